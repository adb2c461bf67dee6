import json
import shutil
import subprocess

import keras
import numpy as np
import pytest
from hypothesis import given, strategies as st

from earshot.errors import EarshotError
from earshot.exports import micro, micro_runtime
from earshot.features.log_mel import LogMel
from earshot.recognition import Recognizer

pytest.importorskip("tflite_micro", reason="needs tflite-micro")
needs_gcc = pytest.mark.skipif(not shutil.which("g++"), reason="needs g++")

STUB = """#pragma once
#include <cstdint>
enum TfLiteStatus { kTfLiteOk };
struct TfLiteTensor { union { float* f; } data; };
namespace tflite {
struct Model;
const Model* GetModel(const void*);
struct Operators { %s };
template <unsigned N> struct MicroMutableOpResolver : Operators {};
struct MicroInterpreter {
  MicroInterpreter(const Model*, const Operators&, uint8_t*, int);
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor* input(int);
  TfLiteTensor* output(int);
};
}
"""
"""What the example needs of LiteRT for Microcontrollers, as its headers declare it."""
HEADERS = ("micro/micro_interpreter.h", "micro/micro_mutable_op_resolver.h",
           "schema/schema_generated.h")  # fmt: skip


@pytest.fixture(scope="module")
def folder(exported):
    return exported("micro", "int8")[0]


@pytest.fixture(scope="module")
def card(folder):
    return json.loads((folder / "card.json").read_text("utf-8"))


def test_the_array_holds_the_file(folder):
    held = bytes(int(byte, 16) for byte in micro.BYTE.findall((folder / "model.cc").read_text()))
    assert held == (folder / "model.tflite").read_bytes()


def test_the_network_computes_in_integers_and_its_front_end_in_float(folder):
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(str(folder / "model.tflite")).get_tensor_details()
    large = [one for one in details if len(one["shape"]) == 4 and one["shape"][0] > 1]
    kinds = {np.dtype(one["dtype"]).name: one["name"] for one in large}
    assert kinds.keys() == {"float32", "int8"}
    for one in large:
        assert ("front_end" in one["name"]) == (one["dtype"] == np.float32)


def test_weights_begin_where_any_processor_can_read_them(folder):
    from ai_edge_litert import schema_py_generated as schema

    content = (folder / "model.tflite").read_bytes()
    model = schema.Model.GetRootAsModel(content, 0)
    for i in range(model.BuffersLength()):
        if model.Buffers(i).DataLength():
            place = model.Buffers(i)._tab.Vector(model.Buffers(i)._tab.Offset(4))
            assert place % 16 == 0


def test_the_card_says_how_much_memory_a_board_needs(card, folder):
    assert card["flash_bytes"] == (folder / "model.tflite").stat().st_size
    assert 30_000 < card["arena_bytes"] < 256_000
    assert "CONV_2D" in card["operators"] and "RFFT2D" not in card["operators"]


def test_the_arena_suffices_for_all_it_is_asked(trained, card, folder, monkeypatch):
    monkeypatch.setattr(micro_runtime, "LARGEST_ARENA", card["arena_bytes"])
    clips = np.zeros((2, trained.front_end.n_samples))
    assert micro.answers(folder, clips).shape == (2, 2)


def test_too_small_an_arena_is_said_so(trained, folder, monkeypatch):
    monkeypatch.setattr(micro_runtime, "LARGEST_ARENA", 20_000)
    with pytest.raises(RuntimeError, match="takes more than 0 MB of memory"):
        micro.answers(folder, np.zeros((1, trained.front_end.n_samples)))


def test_nothing_of_the_templates_is_left_to_fill_in(folder):
    for name in micro.TEMPLATES:
        assert "{{" not in (folder / name).read_text("utf-8").replace("{{{", "")


@needs_gcc
def test_the_array_and_the_example_compile(folder, card, tmp_path):
    methods = " ".join(f"int {micro.method_of(one)}();" for one in card["operators"])
    for name in HEADERS:
        path = tmp_path / "tensorflow" / "lite" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('#include "stub.h"\n')
    (tmp_path / "stub.h").write_text(STUB % methods)
    done = subprocess.run(
        ["g++", "-std=c++17", "-fsyntax-only", "-Wall", "-Werror", f"-I{tmp_path}",
         str(folder / "main.cc"), str(folder / "model.cc")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@given(st.text(max_size=20))
def test_any_word_can_stand_in_the_source(word):
    text = micro.cc_text(word)
    assert text.isascii() and text.isprintable() and text[0] == text[-1] == '"'
    held = text[1:-1].encode().decode("unicode_escape").encode("latin-1")
    assert held == word.encode()


def test_a_network_that_boards_cannot_run_is_refused_in_a_sentence(tmp_path):
    front_end = LogMel(n_samples=1600, hop_length=320, n_mels=8)
    inputs = keras.Input(front_end.output_shape)
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Lambda(lambda x: keras.ops.floor_divide(keras.ops.erf(x), 2.0))(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="logits")(x))
    with pytest.raises(EarshotError, match=r"Choose format='litert'|choose format='saved_model'"):
        Recognizer(model, front_end, ("low", "high")).export(tmp_path / "a", "micro")
    assert not list(tmp_path.iterdir())
