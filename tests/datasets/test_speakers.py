import pytest

from earshot import files
from earshot.datasets.speakers import speaker_of


@pytest.mark.parametrize(
    ("path", "speaker"),
    [
        ("cat/anna_0.wav", "anna"),
        ("cat/anna.wav", "anna"),
        ("cat/anna_2.flac", "anna"),
        ("cat/anna 3.wav", "anna"),
        ("cat/cat_anna_2.wav", "anna"),
        ("cat/cat_anna.wav", "anna"),
        ("cat/anna_b_12.wav", "anna_b"),
        ("cat/anna_b.wav", "anna_b"),
        ("cat/sub-01.wav", "sub-01"),
        ("cat/sub-02.wav", "sub-02"),
        ("cat/sub-02_2.wav", "sub-02"),
        ("cat/0a7c2a8d_nohash_1.wav", "0a7c2a8d"),
        ("seven/seven_jackson_3.wav", "jackson"),
        ("7/7_jackson_3.wav", "jackson"),
        ("seven/7_jackson_3.wav", "jackson"),
        ("cat/01_5.wav", "01"),
        ("cat/01.wav", "unknown"),
        ("cat/cat.wav", "unknown"),
        ("cat/cat_3.wav", "unknown"),
        ("cat/cat 3.wav", "unknown"),
        ("%3F/%3F_anna_0.wav", "anna"),
        ("cat/anna%2Fb_0.wav", "anna/b"),
        ("two words/two words_eve_0.wav", "eve"),
        ("two words/two words eve 2.wav", "eve"),
        ("cat/anna_2_0.wav", "anna_2"),
        ("cat/anna_cat_2.wav", "anna"),
        ("cat/Cat_anna_2.wav", "anna"),
        ("cat/cat_0a7c2a8d_nohash_1.wav", "0a7c2a8d"),
        ("cat/01234567_nohash_12.wav", "01234567"),
        ("cat/sub-01_task-words_run-2_audio.wav", "sub-01"),
        ("cat/sub-01_audio.wav", "sub-01"),
        ("cat/cat_sub-01_2.wav", "sub-01"),
        ("seven/7_jackson_32.wav", "jackson"),
        ("seven/07 jackson.wav", "jackson"),
        ("cat/0001.wav", "unknown"),
        ("cat/12 3.wav", "12"),
        ("cat/Zoë K. 3.wav", "Zoë K."),
        ("cat/Zoe\u0308_3.wav", "Zoë"),
        ("Tu\u0308r/Tür_anna_3.wav", "anna"),
        ("cat/_nohash_0.wav", "_nohash"),
    ],
)
def test_the_speaker_is_read_from_the_usual_names(path, speaker):
    assert speaker_of(f"data/{path}") == speaker


@pytest.mark.parametrize("speaker", ["anna", "anna_b", "sub-01", "Zoë K.", "a/b", "50%", "_x"])
@pytest.mark.parametrize("number", [0, 12])
def test_what_the_package_names_it_reads(speaker, number):
    assert speaker_of(f"cat/{files.clip_name(speaker, number)}") == speaker
