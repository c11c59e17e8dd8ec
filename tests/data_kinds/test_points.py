"""Clouds of points: every format, strange files, damage, a million points."""

from __future__ import annotations

import contextlib
import io
import json
import tracemalloc
import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consilience.core.errors import CellError
from consilience.data.kinds import KINDS, Profile
from consilience.data.kinds._cloud import MOST_COLUMNS, MOST_POINTS
from consilience.data.table._confined import Confined
from consilience.testing._fake_points import fake_points_column
from consilience.testing.kind_checks import check_kind

KIND = KINDS.get("points")()
CLOUD = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


def npy(array):
    file = io.BytesIO()
    np.save(file, np.asarray(array), allow_pickle=True)
    return file.getvalue()


def ply(points, form="ascii", names=("x", "y", "z"), kind="float", before="", count=None):
    head = f"ply\nformat {form} 1.0\ncomment made here\n{before}element vertex {len(points) if count is None else count}\n"
    head += "".join(f"property {kind} {name}\n" for name in names) + "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    if form == "ascii":
        body = "".join(" ".join(map(repr, row)) + "\n" for row in np.asarray(points).tolist()).encode() + b"3 0 1 2\n"
    else:
        body = np.asarray(points).astype(("<" if "little" in form else ">") + {"float": "f4", "double": "f8"}[kind]).tobytes() + b"\x03" + b"\0" * 12
    return head.encode() + body


def test_the_contract(tmp_path):
    check_kind(KIND, fake_points_column())
    check_kind(KIND, fake_points_column(folder=tmp_path), tmp_path)


@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f8", "<i2", "u1"])
def test_npy_of_every_type(dtype):
    points = (CLOUD * 10).astype(dtype)
    np.testing.assert_array_equal(KIND.read(npy(points)), points.astype(np.float32))
    np.testing.assert_array_equal(KIND.read(npy(np.asfortranarray(points))), points.astype(np.float32))


@pytest.mark.parametrize("form", ["ascii", "binary_little_endian", "binary_big_endian"])
@pytest.mark.parametrize("kind", ["float", "double"])
def test_ply_of_every_form(tmp_path, form, kind):
    content = ply(CLOUD, form, kind=kind)
    (tmp_path / "a.ply").write_bytes(content)
    for value in (content, tmp_path / "a.ply"):
        np.testing.assert_allclose(KIND.read(value), CLOUD, rtol=1e-6)


def test_ply_puts_places_first_and_colours_between_0_and_1():
    head = b"ply\nformat binary_big_endian 1.0\nelement camera 2\nproperty float a\nelement vertex 2\nproperty uchar red\n"
    head += b"property float z\nproperty float x\nproperty float y\nproperty short n\nend_header\n"
    record = np.dtype([("red", "u1"), ("z", ">f4"), ("x", ">f4"), ("y", ">f4"), ("n", ">i2")])
    body = np.zeros(2, ">f4").tobytes() + np.array([(255, 3, 1, 2, -7), (0, 6, 4, 5, 9)], record).tobytes()
    assert KIND.read(head + body).tolist() == [[1, 2, 3, 1, -7], [4, 5, 6, 0, 9]]


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6\n",
        "x;y;z\n1;2;3\n4;5;6\n",
        "# a comment\n\n1 2 3\n4   5 6",
        "2\n1\t2\t3\n4\t5\t6\n",
        'Z,"Y",X\n3,2,1\n6,5,4\n',
        "1e0,2.,+3\r\n4,5,6\r\n",
    ],
)
def test_texts(tmp_path, text):
    (tmp_path / "a.xyz").write_bytes(text.encode())
    assert KIND.read(tmp_path / "a.xyz").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_columns_of_names_keep_their_order():
    assert KIND.read(b"i,x,y,z,r\n9,1,2,3,8\n7,4,5,6,\n").tolist() == [[1, 2, 3, 9, 8], [4, 5, 6, 7, 0]]


def test_lidar_sweeps(tmp_path):
    sweep = np.arange(40, dtype="<f4").reshape(10, 4)
    sweep.tofile(tmp_path / "a.bin")
    np.testing.assert_array_equal(KIND.read(tmp_path / "a.bin"), sweep)
    sweep.reshape(8, 5).tofile(tmp_path / "a.pcd.bin")
    assert KIND.read(tmp_path / "a.pcd.bin").shape == (8, 5)
    (tmp_path / "cut.bin").write_bytes(sweep.tobytes()[:-3])
    with pytest.raises(CellError, match="cut off: 157 bytes"):
        KIND.read(tmp_path / "cut.bin")


def test_lists_in_cells():
    nested = pl.Series([[[1.0, 2.0, 3.0], [4.0, 5.0, None]], None, [[7.0, 8.0, 9.0]]])
    parsed = KIND.parse(nested)
    assert parsed.present.tolist() == [True, False, True]
    assert KIND.read(parsed.values[0]).tolist() == [[1, 2, 3]]
    mixed = KIND.parse(pl.Series([" [[1,2,3],[4,5,6]] ", "gone.npy", None, "[[1,2],[3]]", "[" * 100_000]))
    assert mixed.present.tolist() == [True, False, False, True, True]
    assert mixed.problems == {1: "The file 'gone.npy' is not there."}
    assert KIND.read(mixed.values[0]).shape == (2, 3)
    for row in (3, 4):
        with pytest.raises(CellError, match="not a list of points"):
            KIND.read(mixed.values[row])
    assert KIND.key(mixed.values[0]) != KIND.key(mixed.values[3])


DAMAGED = {
    "empty": (b"", "0 bytes"),
    "objects": (npy(np.array([{}, []], dtype=object)), "not numbers"),
    "words": (npy(np.array([["a", "b", "c"]])), "not numbers"),
    "complex": (npy(np.zeros((4, 3), complex)), "not numbers"),
    "flat": (npy(np.zeros(12)), r"shape \(12,\)"),
    "deep": (npy(np.zeros((2, 3, 4))), r"shape \(2, 3, 4\)"),
    "narrow": (npy(np.zeros((9, 2))), r"shape \(9, 2\)"),
    "no points": (npy(np.zeros((0, 3))), "no points"),
    "no columns": (npy(np.zeros((5, 0))), r"shape \(5, 0\)"),
    "cut": (npy(CLOUD)[:-1], "cut off: an array of shape"),
    "bad head": (b"\x93NUMPY\x01\x00\xff\xff" + b"{" * 60, "header of the NPY file is damaged"),
    "head only": (b"\x93NUMPY", "header of the NPY file is damaged"),
    "open head": (npy(CLOUD).replace(b"(50, 3), }", b"(50, 3),  "), "header of the NPY file is damaged"),
    "lying": (npy(CLOUD).replace(b"(50, 3), }         ", b"(5000000000, 3), } "), "cut off: an array of shape"),
    "below zero": (npy(CLOUD).replace(b"(50, 3)", b"(-5, 3)"), "header of the NPY file is damaged"),
    "all NaN": (npy(np.full((7, 3), np.nan)), "None of the 7 points"),
    "all infinite": (npy(np.full((7, 3), np.inf)), "None of the 7 points"),
    "all 1e308": (npy(np.full((7, 3), 1e308)), "None of the 7 points"),
    "ply: no end": (b"ply\nformat ascii 1.0\nelement vertex 3\n", "does not end"),
    "ply: no format": (b"ply\nelement vertex 1\nproperty float x\nend_header\n", "damaged or does not end"),
    "ply: odd type": (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty quark x\nend_header\n1\n", "cannot be understood"),
    "ply: odd count": (b"ply\nformat ascii 1.0\nelement vertex many\n", "cannot be understood"),
    "ply: property first": (b"ply\nformat ascii 1.0\nproperty float x\n", "cannot be understood"),
    "ply: below zero": (ply(CLOUD, count=-5), "damaged"),
    "ply: no vertex": (b"ply\nformat ascii 1.0\nelement face 0\nproperty list uchar int i\nend_header\n", "no element 'vertex'"),
    "ply: no z": (ply(CLOUD[:, :2], names=("x", "y")), "need the properties x, y and z"),
    "ply: x twice": (ply(CLOUD, names=("x", "y", "z", "x")), "x, y and z once"),
    "ply: lists first": (ply(CLOUD, before="element face 1\nproperty list uchar int i\n"), "lists before"),
    "ply: text cut": (ply(CLOUD, count=52), "says that it has 52 points, and holds 51|numbers where"),
    "ply: binary cut": (ply(CLOUD, "binary_little_endian", count=10**11), "says that it has 100,000,000,000 points"),
    "ply: zero points": (ply(CLOUD[:0]), "no points"),
    "ply: zero binary": (ply(CLOUD[:0], "binary_big_endian"), "no points"),
    "text": (b"hello there\nwhat is this\n", "neither three numbers nor names"),
    "ragged": (b"1,2,3\n4,5\n", "Line 2 has 2 numbers where the others have 3"),
    "words inside": (b"1,2,3\n4,a,6\n", "Line 2 is no row of numbers"),
    "names only": (b"x,y,z\n", "no points"),
    "comments only": (b"# x\n", "no points"),
    "one long line": (b"1 " * 50_000, "longer than"),
    "binary": (bytes(range(256)) * 4, "no cloud"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damage_is_said(tmp_path, name):
    content, told = DAMAGED[name]
    (tmp_path / "a.npy").write_bytes(content)
    for value in (content, tmp_path / "a.npy"):
        with pytest.raises(CellError, match=told) as caught:
            KIND.read(value)
        assert caught.value.file == (None if isinstance(value, bytes) else str(value))
        assert KIND.thumbnail(value).startswith("no points: ")


def test_a_file_that_is_gone_and_one_that_may_not_be_read(tmp_path):
    with pytest.raises(CellError, match="cannot be read"):
        KIND.read(tmp_path / "gone.npy")
    (tmp_path / "in").mkdir()
    (tmp_path / "a.npy").write_bytes(npy(CLOUD))
    parsed = KIND.parse(pl.Series(["../a.npy"]), Confined(tmp_path / "in"))
    for do in (KIND.read, KIND.key):
        with pytest.raises(CellError, match="leads out of"):
            do(parsed.values[0])


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x93NUMPY\x01\x00", b"ply\nformat ascii 1.0\nelement vertex 2\n", b"[["]))
def test_any_bytes_are_a_cloud_or_a_cell_error(content, start):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # numpy warns of escapes in a header that is garbage
        try:
            cloud = KIND.read(start + content)
        except CellError:
            return
    assert np.isfinite(cloud).all()
    assert cloud.shape[1] >= 3


@given(st.integers(0, 10_000))
def test_one_wrong_byte_is_a_cloud_or_a_cell_error(place):
    content = bytearray(ply(CLOUD, "binary_little_endian", names=("x", "y", "z")) if place % 2 else npy(CLOUD))
    content[place % len(content)] ^= 0x5A
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with contextlib.suppress(CellError):
            assert np.isfinite(KIND.read(bytes(content))).all()


def test_points_without_a_place_are_dropped():
    points = np.ones((6, 4))
    points[0, 0], points[1, 1], points[2, 2], points[3, 3], points[4, 3] = np.nan, np.inf, 1e308, np.nan, 1e308
    cloud = KIND.read(npy(points))
    assert cloud.tolist() == [[1, 1, 1, 0], [1, 1, 1, pytest.approx(1e15)], [1, 1, 1, 1]]


def test_few_points_are_points():
    assert KIND.read(npy([[1.0, 2.0, 3.0]])).shape == (1, 3)
    assert KIND.read(npy(np.ones((9, 3)))).shape == (9, 3)
    assert KIND.read(npy(np.ones((9, 40)))).shape == (9, MOST_COLUMNS)
    for points in ([[1.0, 2.0, 3.0]], np.ones((9, 3)), np.full((9, 3), 9e14)):
        assert "<svg" in KIND.thumbnail(npy(points))
        for change in KIND.corruptions.values():
            assert np.isfinite(change(KIND.read(npy(points)), 5, np.random.default_rng(0))).all()


def test_map_coordinates_keep_their_detail():
    cloud = KIND.read(npy(np.array([[500_000.0, 5_400_000.0, 100.0]]) + CLOUD.astype(np.float64)))
    np.testing.assert_allclose(np.ptp(cloud, axis=0), np.ptp(CLOUD, axis=0), rtol=1e-5)
    assert abs(cloud[:, :3]).max() < 10


@pytest.mark.parametrize("form", ["npy", "ply", "bin"])
def test_a_million_points_in_little_memory(tmp_path, form):
    points = np.random.default_rng(1).normal(size=(1_000_000, 4)).astype("<f4")
    path = tmp_path / f"a.{form}"
    if form == "npy":
        np.save(path, points)
    elif form == "bin":
        points.tofile(path)
    else:
        path.write_bytes(ply(points, "binary_little_endian", names=("x", "y", "z", "w")))
    tracemalloc.start()
    cloud = KIND.read(path)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert cloud.shape == (MOST_POINTS, 4)
    assert most < 16_000_000, "the file is as large, and is only to be looked into"
    np.testing.assert_allclose(cloud.mean(axis=0), points.mean(axis=0), atol=0.02)
    np.testing.assert_array_equal(cloud, KIND.read(path))


def test_a_long_text_is_thinned(tmp_path):
    path = tmp_path / "a.xyz"
    path.write_bytes(b"0 1 2\n" * 100_000 + b"3 4 5\n" * 150_000)
    cloud = KIND.read(path)
    assert len(cloud) == MOST_POINTS
    assert abs((cloud[:, 0] == 0).mean() - 0.4) < 0.01


def test_what_is_points_and_what_is_not(tmp_path):
    random = np.random.default_rng(0)

    def column(make, suffix=".npy"):
        paths = [tmp_path / f"{make.__name__}{place}{suffix}" for place in range(6)]
        for path in paths:
            np.save(path, make()) if suffix == ".npy" else np.savetxt(path, make(), delimiter=",")
        return pl.Series([path.name for path in paths])

    def cloud():
        return random.normal(size=(70, 3))

    def normals():
        found = random.normal(size=(70, 6))
        found[:, 3:] /= np.linalg.norm(found[:, 3:], axis=1, keepdims=True)
        return found

    def colours():
        return np.hstack([random.normal(size=(70, 3)), random.integers(0, 256, (70, 3))])

    def sweep():
        return np.hstack([random.normal(size=(70, 3)), random.random((70, 1))])

    def sensors():
        return random.normal(size=(100, 6)).cumsum(axis=0)

    def wave():
        return random.normal(size=100)

    def block():
        return random.normal(size=(8, 9, 10))

    for make in (cloud, normals, colours, sweep):
        for suffix in (".npy", ".csv"):
            assert KIND.sniff(Profile("x", column(make, suffix), tmp_path)).score > 0.9, make.__name__
    for make in (sensors, wave, block):
        assert KIND.sniff(Profile("x", column(make), tmp_path)).score < 0.1, make.__name__
    assert KIND.sniff(Profile("x", pl.Series([json.dumps(cloud().tolist()) for _ in range(4)]))).score > 0.95
    assert KIND.sniff(Profile("x", pl.Series([cloud().tolist() for _ in range(4)]))).score > 0.98
    assert KIND.sniff(Profile("x", pl.Series([["a", "b"], ["c"]]))).score == 0
    assert KIND.sniff(Profile("x", pl.Series([[1.0, 2.0], [3.0]]))).score == 0
    assert KIND.sniff(Profile("x", pl.Series(["a.ply", "b.ply", None]), tmp_path)).score > 0.9
    assert KIND.sniff(Profile("x", pl.Series(["a.npy", "b.npy"]), tmp_path)).score == 0, "the files are gone, so nobody knows"


@pytest.mark.parametrize("name", sorted(KIND.corruptions))
def test_damage_grows(name):
    change = KIND.corruptions[name]
    cloud = np.random.default_rng(3).normal(size=(400, 3)).astype(np.float32)

    def gap(severity):
        if name == "tilt":  # the whole is still there, but no point is where it was
            return float(abs(change(cloud, severity, np.random.default_rng(0)) - cloud).mean())
        far = [np.linalg.norm(cloud[:, None] - change(cloud, severity, np.random.default_rng(seed))[None], axis=2) for seed in range(4)]
        return np.mean([part.min(axis=1).mean() + part.min(axis=0).mean() for part in far])

    gaps = [gap(severity) for severity in range(6)]
    assert gaps[0] == 0
    assert gaps == sorted(gaps)
    assert gaps[1] > 0


def test_a_turn_keeps_heights_and_distances():
    turned = KIND.augmentations["turn"](CLOUD, np.random.default_rng(0))
    np.testing.assert_allclose(turned[:, 2], CLOUD[:, 2], atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(turned[0] - turned[1]), np.linalg.norm(CLOUD[0] - CLOUD[1]), rtol=1e-4)
    assert abs(turned - CLOUD).max() > 0.1


def test_a_thumbnail_is_small():
    html = KIND.thumbnail(npy(np.random.default_rng(0).normal(size=(5000, 3))))
    assert len(html) < 20_000
    assert "currentColor" in html
    assert html.count("M") <= 2 * 150
