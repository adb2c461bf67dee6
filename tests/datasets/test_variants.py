import dataclasses

import numpy as np
import pytest

from earshot.datasets import variants
from earshot.errors import EarshotError
from earshot.features.log_mel import LogMel
from earshot.features.raw import RawWaveform
from earshot.networks import training


class TestStore:
    front_end = LogMel()

    @pytest.fixture
    def words(self, beeps):
        return beeps.subset(np.arange(10))

    def test_every_clip_becomes_nine_with_its_label(self, words, tmp_path):
        store = variants.write_variants(words, tmp_path / "store", self.front_end)
        assert store.shapes == {"spectrograms": (90, 101, 40)}
        assert np.array_equal(store.labels, np.repeat(words.labels, 9))

    def test_rows_come_in_the_order_that_is_asked_for(self, words, tmp_path):
        store = variants.write_variants(words, tmp_path / "store", self.front_end)
        plain = self.front_end.unpack(store.rows(np.array([76, 4, 13])))
        expected = self.front_end([words.waveforms[i] for i in (8, 0, 1)])
        assert np.abs(plain - expected).max() < 0.05

    def test_a_second_run_takes_what_is_there(self, words, tmp_path):
        variants.write_variants(words, tmp_path / "store", self.front_end)
        before = (tmp_path / "store" / "spectrograms.npy").stat().st_mtime_ns
        variants.write_variants(words, tmp_path / "store", self.front_end)
        assert (tmp_path / "store" / "spectrograms.npy").stat().st_mtime_ns == before

    def test_other_settings_are_refused_and_nothing_is_lost(self, words, tmp_path):
        variants.write_variants(words, tmp_path / "store", self.front_end)
        with pytest.raises(EarshotError, match=r"store was made with other settings \(speeds\)"):
            variants.write_variants(words, tmp_path / "store", self.front_end, speeds=(1.0,))
        assert len(variants.Store(tmp_path / "store")) == 90

    @pytest.mark.parametrize("what", ["sample", "label", "word"])
    def test_other_recordings_under_the_same_names_are_refused(self, words, tmp_path, what):
        variants.write_variants(words, tmp_path / "store", self.front_end)
        waveforms, labels = [x.copy() for x in words.waveforms], words.labels.copy()
        changes = {"waveforms": waveforms, "labels": labels}
        if what == "sample":
            waveforms[3][7] += 0.01
        elif what == "label":
            labels[3] = 1 - labels[3]
        else:
            changes["class_names"] = ("low", "higher")
        other = dataclasses.replace(words, **changes)
        with pytest.raises(EarshotError, match=r"store was made with other .*recordings\): delete"):
            variants.write_variants(other, tmp_path / "store", self.front_end)
        assert len(variants.Store(tmp_path / "store")) == 90

    @pytest.mark.parametrize("content", [b"", b"3", b"[1]", b'{"words": 3}', b"{}", b"\xff"])
    def test_damaged_settings_are_named(self, words, tmp_path, content):
        variants.write_variants(words.subset([0]), tmp_path / "store", self.front_end)
        (tmp_path / "store" / variants.SETTINGS).write_bytes(content)
        with pytest.raises(EarshotError, match="store is no store of variants or is damaged"):
            variants.Store(tmp_path / "store")

    def test_arrays_with_damaged_heads_are_named(self, words, tmp_path, rng):
        variants.write_variants(words.subset([0]), tmp_path / "store", self.front_end)
        path = tmp_path / "store" / "labels.npy"
        whole, refused = path.read_bytes(), 0
        for _ in range(100):
            damaged = bytearray(whole)
            damaged[rng.integers(100)] = rng.integers(256)
            path.write_bytes(damaged)
            try:
                variants.Store(tmp_path / "store")
            except EarshotError:
                refused += 1
        assert refused > 10

    def test_a_place_where_nothing_can_be_written_is_named(self, words, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(EarshotError, match=r"store cannot be written"):
            variants.write_variants(words, tmp_path / "file" / "store", self.front_end)

    def test_a_run_that_breaks_off_leaves_no_half_store(self, words, tmp_path, monkeypatch):
        def fail(x, **options):
            raise KeyboardInterrupt

        monkeypatch.setattr(variants, "stretch_and_shift", fail)
        with pytest.raises(KeyboardInterrupt):
            variants.write_variants(words, tmp_path / "store", self.front_end)
        assert list(tmp_path.iterdir()) == []

    def test_a_store_that_lost_a_file_is_refused(self, words, tmp_path):
        variants.write_variants(words, tmp_path / "store", self.front_end)
        (tmp_path / "store" / "spectrograms.npy").unlink()
        with pytest.raises(EarshotError, match="store is not whole"):
            variants.Store(tmp_path / "store")

    def test_a_full_disk_is_noticed_before_anything_is_written(self, words, tmp_path, monkeypatch):
        from collections import namedtuple

        usage = namedtuple("usage", "total used free")(10**9, 10**9, 1000)
        monkeypatch.setattr(variants.shutil, "disk_usage", lambda place: usage)
        with pytest.raises(EarshotError, match=r"needs .* GB and the disk has 0\.0 GB left"):
            variants.write_variants(words, tmp_path / "store", self.front_end)
        assert list(tmp_path.iterdir()) == []

    def test_a_network_trains_on_a_store(self, words, tmp_path):
        import keras

        from earshot.networks import builders

        keras.utils.set_random_seed(0)
        store = variants.write_variants(words, tmp_path / "store", self.front_end)
        network = builders.spectrogram_lstm(self.front_end.output_shape, 2, units=8, stem=8)
        config = training.TrainingConfig(epochs=6, batch_size=16)
        history = training.fit(network, store, self.front_end, config, test=words, progress=False)
        assert history["loss"][-1] < history["loss"][0]

    def test_samples_are_kept_with_their_lengths(self, words, tmp_path):
        raw = RawWaveform(8000, 6400)
        store = variants.write_variants(words, tmp_path / "store", raw)
        x, mask = raw.unpack(store.rows(np.array([4])))
        assert mask.sum() == len(words.waveforms[0])
        assert np.abs(x).max() == pytest.approx(1)
