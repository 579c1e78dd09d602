#!/usr/bin/python3
"""The bytes of built int4 and int8 matrices against round-to-nearest in numpy, written from the rule that ONNX Runtime's
own tool follows (MLAS, q4_dq.cpp): blocks of 32 along a row, scale = -m / 2^(bits-1) for the element m of largest magnitude
(the negative one of two), q = round(w * (1 / scale) + 2^(bits-1)), halves away from zero, clamped; w / scale where 1 / scale
overflows.

Usage: rtn_bytes.py adversarial PUBLISHED   writes blocks that are hard to round into a published folder's matrices
       rtn_bytes.py compare PUBLISHED BUILT BITS
"""
import pathlib
import sys

import numpy

from random_models import read_safetensors, to_bytes, write_safetensors

BLOCK = 32
FLOAT = numpy.float32


def fields(message: bytes):
    """(number, value) of each field of a protobuf message; a value is a number or bytes."""
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
            continue
        length = {1: 8, 5: 4}[key & 7] if key & 7 != 2 else varint()
        yield key >> 3, message[at:at + length]
        at += length


def initializers(folder: pathlib.Path) -> dict[str, bytes]:
    """The external tensors of a built folder by name: ModelProto.graph is field 7, GraphProto.initializer 5,
    TensorProto.name 8 and external_data 13, whose entries are key 1 and value 2."""
    data, found = (folder / "model.onnx.data").read_bytes(), {}
    graph = next(value for number, value in fields((folder / "model.onnx").read_bytes()) if number == 7)
    for tensor in (value for number, value in fields(graph) if number == 5):
        name = next(value for number, value in fields(tensor) if number == 8).decode()
        place = {}
        for entry in (value for number, value in fields(tensor) if number == 13):
            parts = dict(fields(entry))
            place[parts[1].decode()] = parts[2].decode()
        begin = int(place["offset"])
        found[name] = data[begin:begin + int(place["length"])]
    return found


def round_to_nearest(weights: numpy.ndarray, bits: int) -> tuple[bytes, numpy.ndarray]:
    """Packed values and scales of [rows, columns] float32, columns a multiple of 32."""
    blocks = weights.reshape(-1, BLOCK)
    high, low = blocks.max(-1, keepdims=True), blocks.min(-1, keepdims=True)
    middle = FLOAT(1 << (bits - 1))
    scale = -numpy.where(numpy.abs(high) > numpy.abs(low), high, low) / middle
    with numpy.errstate(divide="ignore", over="ignore", invalid="ignore"):
        reciprocal = numpy.where(scale == 0, FLOAT(0), FLOAT(1) / scale)
        exact = numpy.where(numpy.isinf(reciprocal), blocks / scale, blocks * reciprocal) + middle
    # Nothing below the middle of the first step matters: all of it becomes 0.
    q = numpy.clip(numpy.floor(exact.astype(numpy.float64) + 0.5), 0, 2 * float(middle) - 1).astype(numpy.uint8)
    packed = q if bits == 8 else q[:, 0::2] | q[:, 1::2] << 4
    return packed.tobytes(), scale.ravel()


def adversarial_blocks() -> numpy.ndarray:
    tiny = FLOAT(2.0 ** -149)
    patterns = [[0.0], [-0.0, 0.0], [1.0] + [0.0] * 31, [0.0] * 31 + [-1e30], [-1000.0, 0.001, -0.001, 0.0], [1.0, -1.0, 0.5, -0.5],
                [8.0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 3.5, -3.5], [-8.0, 0.5, -0.5, 7.5, 7.49999], [tiny, -tiny, 0.0, 3 * tiny],
                [1e-40, -2e-40, 3e-39], [1e-37, -1e-38, 5e-38], [3.5], [1.0, 2.0, 3.0], [-1.0, -2.0, -3.0], [0.49999997, 8.0],
                [3e38, -3e38], [128.0, 0.5, -0.5, 126.5, -127.5, -128.0]]
    return numpy.array([numpy.resize(numpy.array(pattern, FLOAT), BLOCK) for pattern in patterns], FLOAT)


def make_adversarial(folder: pathlib.Path) -> None:
    blocks, tensors = adversarial_blocks(), {}
    for number, (name, values) in enumerate(read_safetensors(folder).items()):
        values = values.astype(FLOAT)
        if values.ndim == 2:
            values = numpy.resize(numpy.roll(blocks, number, 0), values.shape)
        tensors[name] = ("F32", values.shape, to_bytes(values, "F32"))
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    write_safetensors(folder / "model.safetensors", tensors)


def compare(published: pathlib.Path, built: pathlib.Path, bits: int) -> int:
    source, found = read_safetensors(published), initializers(built)
    elements = different = 0
    for name in (name for name in found if name.endswith(f"_Q{bits}")):
        tensor = name.removesuffix(f".MatMul.weight_Q{bits}")
        if tensor == "lm_head":
            weights = source.get("lm_head.weight", source["model.embed_tokens.weight"])
        elif tensor.endswith(".attn.qkv_proj"):
            own = tensor.replace(".attn.", ".self_attn.")
            parts = [own.replace("qkv", part) + ".weight" for part in "qkv"]
            weights = source[own + ".weight"] if own + ".weight" in source else numpy.concatenate([source[p] for p in parts])
        elif tensor.endswith(("gate_proj", "up_proj")) and tensor + ".weight" not in source:
            gate, up = numpy.split(source[tensor[:tensor.rindex(".")] + ".gate_up_proj.weight"], 2)
            weights = gate if tensor.endswith("gate_proj") else up
        else:
            weights = source[tensor.replace(".attn.", ".self_attn.") + ".weight"]
        packed, scales = round_to_nearest(weights.astype(FLOAT), bits)
        given = numpy.frombuffer(found[name.removesuffix(f"_Q{bits}") + "_scales"], "<f4")
        elements += weights.size
        # As numbers: the scale of a block of zeros may have either sign, which the rule leaves to the order of its zeros.
        if packed != found[name] or not numpy.array_equal(scales, given):
            different += 1
            at = next((i for i, (a, b) in enumerate(zip(packed, found[name])) if a != b), None)
            print(f"{name}: differs, first at byte {at} of {len(packed)}; {(scales != given).sum()} scales differ")
    print(f"{built}: {elements} values of int{bits}, {different} matrices differ")
    return 1 if different or elements < 100000 else 0


if __name__ == "__main__":
    if sys.argv[1] == "adversarial":
        make_adversarial(pathlib.Path(sys.argv[2]))
        sys.exit(0)
    sys.exit(compare(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), int(sys.argv[4])))
