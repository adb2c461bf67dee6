import subprocess
import sys

import numpy as np
import pytest

from earshot import audio
from earshot.errors import EarshotError


@pytest.fixture(scope="module")
def folder(exported):
    return exported("saved_model")[0]


def test_waveforms_give_what_predict_gives(trained, folder, beep):
    import tensorflow as tf

    clips = [beep(300), beep(1500)]
    answer = tf.saved_model.load(folder).signatures["serving_default"](
        waveforms=tf.constant(np.stack(clips))
    )
    assert list(answer["class_names"].numpy()) == [b"low", b"high"]
    assert list(answer["class_ids"].numpy()) == [0, 1]
    for row, p in zip(answer["predictions"].numpy(), trained.predict(clips), strict=True):
        np.testing.assert_allclose(row, list(p.probabilities.values()), atol=1e-4)


@pytest.mark.parametrize("sample_rate", [8000, 16000, 44100])
@pytest.mark.parametrize("pitch_hz", [300, 1500])
def test_a_file_of_any_rate_gives_what_predict_gives(
    trained, folder, tmp_path, sample_rate, pitch_hz, beep
):
    import tensorflow as tf

    path = tmp_path / "a.wav"
    audio.write(path, beep(pitch_hz, sample_rate, duration_s=0.7), sample_rate)
    answer = tf.saved_model.load(folder).signatures["file"](file_name=tf.constant(str(path)))
    p = trained.predict(path)
    assert answer["class_names"].numpy()[0].decode() == p.word
    np.testing.assert_allclose(
        answer["predictions"].numpy()[0], list(p.probabilities.values()), atol=0.02
    )


def test_what_was_put_beside_an_export_is_never_replaced(trained, tmp_path):
    for name in ("saved_model.pb", "anna.wav"):
        (tmp_path / name).write_bytes(b"mine")
    with pytest.raises(EarshotError, match=r"holds something else \(anna\.wav\)"):
        trained.export(tmp_path)
    assert (tmp_path / "anna.wav").read_bytes() == b"mine"


@pytest.mark.parametrize(("offset", "length_s"), [(0.0, 1.5), (0.2, 0.4), (0.2, 1.5)])
def test_it_finds_the_word_and_takes_an_offset_off(trained, folder, beep, offset, length_s):
    import tensorflow as tf

    clips = [np.full(round(length_s * 8000), offset, np.float32) for _ in range(2)]
    for clip, pitch_hz in zip(clips, (300, 1500), strict=True):
        clip[-3200:] += beep(pitch_hz)
    answer = tf.saved_model.load(folder).signatures["serving_default"](
        waveforms=tf.constant(np.stack(clips))
    )
    assert list(answer["class_names"].numpy()) == [b"low", b"high"]
    for row, p in zip(answer["predictions"].numpy(), trained.predict(clips), strict=True):
        np.testing.assert_allclose(row, list(p.probabilities.values()), atol=1e-3)


def test_in_longer_recordings_it_looks_where_predict_looks(trained, folder, beep, rng):
    import tensorflow as tf

    clips = 0.01 * rng.standard_normal((4, 21_000)).astype(np.float32)
    for i, clip in enumerate(clips):
        clip[4500 * i : 4500 * i + 3200] += beep((300, 1500)[i % 2])
        clip[15_000 - 4000 * i :][:60] += 3  # a knock
    ask = tf.saved_model.load(folder).signatures["serving_default"]
    for row, p in zip(
        ask(waveforms=tf.constant(clips))["predictions"].numpy(), trained.predict([*clips]),
        strict=True,
    ):  # fmt: skip
        np.testing.assert_allclose(row, list(p.probabilities.values()), atol=1e-3)


def test_a_full_disk_is_one_sentence_and_nothing_is_left(trained, tmp_path):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, hard))  # bytes that a file may have
    try:
        with pytest.raises(EarshotError, match=r"beeps cannot be written \(File too large\): free"):
            trained.export(tmp_path / "beeps")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_the_export_runs_without_earshot(folder, tmp_path, beep):
    audio.write(tmp_path / "a.wav", beep(300), 8000)
    code = (
        "import sys, tensorflow as tf; m = tf.saved_model.load(sys.argv[1]); "
        "a = m.signatures['file'](file_name=tf.constant(sys.argv[2])); "
        "assert not any(n.startswith('earshot') for n in sys.modules); "
        "print(a['class_names'].numpy()[0].decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(tmp_path / "a.wav")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "low", done.stderr
