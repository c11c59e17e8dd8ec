"""Scans: NIfTI, DICOM, arrays; directions, damage, folders that may not be left."""

from __future__ import annotations

import gzip
import io
import tracemalloc

import numpy as np
import polars as pl
import pytest

from consilience.core.errors import CellError, MissingExtra
from consilience.data.kinds import KINDS, Profile
from consilience.data.kinds._volume import MOST_SIDE, Volume
from consilience.data.table._confined import Confined
from consilience.testing._fake_volume import fake_volume_column
from consilience.testing.kind_checks import check_kind

KIND = KINDS.get("volume")()
BLOCK = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)


def npy(array):
    file = io.BytesIO()
    np.save(file, np.asarray(array), allow_pickle=True)
    return file.getvalue()


@pytest.fixture
def nifti():
    """Makes the bytes of a NIfTI file."""
    nibabel = pytest.importorskip("nibabel")

    def make(array, affine=None, cls=nibabel.Nifti1Image, **header):
        image = cls(array, np.diag([-2.0, -3.0, 4.0, 1.0]) if affine is None else affine)
        for name, value in header.items():
            image.header[name] = value
        return image.to_bytes()

    return make


@pytest.fixture
def dicom(tmp_path):
    """Writes a DICOM file with nobody's name in it."""
    pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    def write(path, pixels, place=0.0, number=1, pixel_bytes=None, **fields):
        meta = FileMetaDataset()
        meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, CTImageStorage
        meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}"
        found = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        values = {
            "SOPClassUID": CTImageStorage, "SOPInstanceUID": meta.MediaStorageSOPInstanceUID, "PatientName": "FAKE", "PatientID": "FAKE",
            "Modality": "CT", "SeriesInstanceUID": "1.2.3", "InstanceNumber": number, "Rows": pixels.shape[-2], "Columns": pixels.shape[-1],
            "BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 1, "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2", "ImagePositionPatient": [0, 0, place], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
            "PixelSpacing": [0.5, 0.7], "SliceThickness": 2, "RescaleSlope": 2, "RescaleIntercept": -1000,
        }  # fmt: skip
        if pixels.ndim == 3:
            values["NumberOfFrames"] = len(pixels)
        for name, value in {**values, **fields}.items():
            if value is not None:
                setattr(found, name, value)
        found.PixelData = pixels.astype("<i2").tobytes() if pixel_bytes is None else pixel_bytes
        path.parent.mkdir(exist_ok=True)
        found.save_as(path, enforce_file_format=True)

    return write


@pytest.fixture
def series(tmp_path, dicom):
    """A folder of six slices whose names run against their places."""
    for place in range(6):
        dicom(tmp_path / "scan" / f"{9 - place}.dcm", np.full((5, 7), place), 10 + 3 * place, place)
    return tmp_path / "scan"


def test_the_contract(tmp_path):
    check_kind(KIND, fake_volume_column())
    check_kind(KIND, fake_volume_column(folder=tmp_path), tmp_path)


def test_volumes_are_compared_by_what_they_hold():
    one = Volume(np.array([[[np.nan, 1.0]]], dtype=np.float32))
    assert one == Volume(one.voxels.copy())
    assert one != Volume(one.voxels, (1.0, 1.0, 2.0))
    assert one != Volume(one.voxels, unit="HU")
    assert one != 3


def test_arrays():
    volume = KIND.read(npy(BLOCK))
    np.testing.assert_array_equal(volume.voxels, BLOCK)
    assert volume.voxels.dtype == np.float32
    assert volume.spacing == (1, 1, 1)
    np.testing.assert_array_equal(KIND.read(npy(BLOCK[None, ..., None])).voxels, BLOCK)
    np.testing.assert_array_equal(KIND.read(npy(np.stack([BLOCK, BLOCK + 1]))).voxels, BLOCK), "of several the first"
    holes = BLOCK.astype(float)
    holes[0, 0, :3] = np.nan, np.inf, 1e308
    assert KIND.read(npy(holes)).voxels[0, 0].tolist() == [3, 3, 3, 3], "a voxel without a number is as low as the lowest"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float32, np.float64])
def test_nifti_of_every_type(tmp_path, nifti, packed, dtype):
    content = nifti(BLOCK.astype(dtype))
    path = tmp_path / ("a.nii.gz" if packed else "a.nii")
    path.write_bytes(gzip.compress(content) if packed else content)
    volume = KIND.read(path)
    np.testing.assert_array_equal(volume.voxels, BLOCK.transpose(2, 1, 0))
    assert volume.spacing == (4, 3, 2)
    assert volume.unit == ""
    assert KIND.read(path.read_bytes()) == volume


def test_nifti_2_and_four_axes(nifti):
    nibabel = pytest.importorskip("nibabel")
    assert KIND.read(nifti(BLOCK, cls=nibabel.Nifti2Image)) == KIND.read(nifti(BLOCK))
    assert KIND.read(nifti(np.stack([BLOCK, BLOCK + 5], axis=3))) == KIND.read(nifti(BLOCK))


def test_nifti_is_scaled(nifti):
    content = bytearray(nifti(BLOCK))
    content[112:120] = np.array([2.0, -10.0], "<f4").tobytes()  # scl_slope and scl_inter
    np.testing.assert_allclose(KIND.read(bytes(content)).voxels, BLOCK.transpose(2, 1, 0) * 2.0 - 10)


def test_nifti_is_turned_as_the_person_lies(nifti):
    # Axes of the array: up, left, front; the plain one: right, front, up.
    turned = np.ascontiguousarray(BLOCK.transpose(2, 0, 1))[:, ::-1]
    affine = np.array([[0.0, -2.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0], [4.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    assert KIND.read(nifti(turned, affine)) == KIND.read(nifti(BLOCK, np.diag([2.0, 3.0, 4.0, 1.0])))


def test_a_folder_of_slices(series):
    volume = KIND.read(series)
    assert volume.shape == (6, 5, 7)
    assert volume.voxels[:, 0, 0].tolist() == [-1000, -998, -996, -994, -992, -990]
    assert volume.spacing == (3, 0.5, 0.7)
    assert volume.unit == "HU"
    assert KIND.thumbnail(series).startswith('<img alt="" src="data:image/jpeg')
    assert len(KIND.thumbnail(series)) < 20_000


def test_a_folder_in_a_cell(series):
    column = pl.Series(["scan", " scan ", "gone", None, "scan/9.dcm", "scan\\9.dcm"])
    parsed = KIND.parse(column, series.parent)
    assert parsed.present.tolist() == [True, True, False, False, True, True]
    assert parsed.problems == {2: "The file 'gone' is not there."}
    assert KIND.read(parsed.values[0]) == KIND.read(parsed.values[1])
    assert KIND.read(parsed.values[4]).shape == (1, 5, 7)
    assert KIND.sniff(Profile("x", column[:2], series.parent)).score > 0.9
    assert KIND.sniff(Profile("x", pl.Series(["."]), series.parent)).score == 0, "a folder without slices"


def test_the_key_of_a_folder_is_its_content(series, tmp_path):
    before = KIND.key(series)
    copy = tmp_path / "other"
    copy.mkdir()
    for path in series.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "notes.txt").write_text("not a slice")
    assert KIND.key(copy) == before
    (copy / "4.dcm").unlink()
    assert KIND.key(copy) != before


def test_other_slices_of_a_folder(series, dicom):
    volume = KIND.read(series)
    dicom(series / "again.dcm", np.full((5, 7), 99), 10, 50)  # the same place as 9.dcm, by name after it
    dicom(series / "scout.dcm", np.full((3, 3), 7), 0, 51, SeriesInstanceUID="1.9")
    (series / "DICOMDIR").write_bytes(b"\0" * 200)
    (series / ".hidden.dcm").write_bytes(b"x")
    (series / "readme.txt").write_text("x")
    (series / "4.dcm").rename(series / "IM0004")
    assert KIND.read(series) == volume


def test_slices_without_places_go_by_number(tmp_path, dicom):
    for number in (3, 1, 2):
        dicom(tmp_path / "s" / f"{5 - number}.dcm", np.full((4, 4), number), number=number, ImagePositionPatient=None)
    volume = KIND.read(tmp_path / "s")
    assert volume.voxels[:, 0, 0].tolist() == [-998, -996, -994]
    assert volume.spacing == (2, 0.5, 0.7)


def test_frames_of_one_file(tmp_path, dicom):
    dicom(tmp_path / "m.dcm", np.arange(4)[:, None, None] * np.ones((4, 5, 7)), Modality="MR")
    volume = KIND.read(tmp_path / "m.dcm")
    assert volume.voxels[:, 2, 2].tolist() == [-1000, -998, -996, -994]
    assert volume.unit == ""
    assert KIND.read((tmp_path / "m.dcm").read_bytes()) == volume


def test_slices_from_the_side_are_turned(tmp_path, dicom):
    for place in range(3):  # rows run down, columns to the back: a sagittal series
        dicom(
            tmp_path / "s" / f"{place}.dcm", np.arange(20).reshape(4, 5) + 100 * place, number=place,
            ImagePositionPatient=[6 * place, 0, 0], ImageOrientationPatient=[0, 1, 0, 0, 0, -1],
        )  # fmt: skip
    volume = KIND.read(tmp_path / "s")
    assert volume.shape == (4, 5, 3)
    assert volume.spacing == (0.5, 0.7, 6)
    plain = (volume.voxels + 1000) / 2
    assert plain[-1, :, 0].tolist() == [0, 1, 2, 3, 4] or plain[-1, :, 2].tolist() == [0, 1, 2, 3, 4], "the first row is the top"


def test_a_light_film_is_turned_dark(tmp_path, dicom):
    dicom(tmp_path / "a.dcm", np.array([[0, 5], [1, 2]]), PhotometricInterpretation="MONOCHROME1", RescaleSlope=1, RescaleIntercept=0)
    assert KIND.read(tmp_path / "a.dcm").voxels.tolist() == [[[0, -5], [-1, -2]]]


def refused(value, told):
    with pytest.raises(CellError, match=told):
        KIND.read(value)
    assert KIND.thumbnail(value).startswith("no scan: ")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "0 bytes"),
        (b"hello", "no scan that can be read"),
        (npy(np.zeros((4, 5))), r"shape \(4, 5\)"),
        (npy(np.zeros((3, 0, 5))), "no voxel"),
        (npy(np.full((2, 2, 2), np.nan)), "finite"),
        (npy(BLOCK)[:-1], "cut off"),
        (npy(np.array([{}, []], dtype=object)), "not numbers"),
        (npy(np.zeros((2, 2, 2, 2, 2, 2))), "shape"),
    ],
)
def test_arrays_that_are_no_scans(content, told):
    refused(content, told)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda content: content[:399], "cut off"),
        (lambda content: content[:349], "cut off|no NIfTI|damaged"),
        (lambda content: content[:40] + np.array([3, 30000, 30000, 30000], "<i2").tobytes() + content[48:], "more than"),
        (lambda content: content[:40] + np.array([3, 1000, 1000, 1000], "<i2").tobytes() + content[48:], "cut off"),
        (lambda content: content[:40] + np.array([3, 2, 0, 4], "<i2").tobytes() + content[48:], "has the shape"),
        (lambda content: content[:40] + np.array([3, 2, -3, 4], "<i2").tobytes() + content[48:], "has the shape"),
        (lambda content: content[:40] + np.array([2, 6, 4, 1], "<i2").tobytes() + content[48:], "depth, height and width"),
        (lambda content: content[:70] + np.array([128, 24], "<i2").tobytes() + content[74:], "not real numbers"),
        (lambda content: content[:70] + np.array([9999, 16], "<i2").tobytes() + content[74:], "damaged"),
        (lambda content: content[:108] + np.array([1e30], "<f4").tobytes() + content[112:], "begin at byte|damaged"),
        (lambda content: content[:108] + np.array([np.nan], "<f4").tobytes() + content[112:], "begin at byte|damaged"),
        (lambda content: content[:344] + b"ni1\0" + content[348:], "pair"),
    ],
)
def test_nifti_that_is_damaged(nifti, packed, spoil, told):
    content = spoil(nifti(BLOCK))
    refused(gzip.compress(content) if packed else content, told)


def test_packed_files_that_are_damaged(nifti):
    content = gzip.compress(nifti(np.random.default_rng(0).normal(size=(20, 20, 20))))
    refused(content[: len(content) // 2], "cut off or damaged")
    refused(content[:100] + bytes(200) + content[300:], "cut off or damaged|damaged")
    refused(gzip.compress(b"hello" * 200), "no NIfTI")
    refused(b"\x1f\x8b" + bytes(50), "cut off or damaged")


def test_any_byte_of_a_header_may_be_wrong(nifti):
    content, random = nifti(BLOCK), np.random.default_rng(0)
    for place in range(352):
        spoiled = bytearray(content)
        spoiled[place] ^= int(random.integers(1, 256))
        try:
            assert np.isfinite(KIND.read(bytes(spoiled)).voxels).all()
        except CellError:
            continue


def test_a_packed_bomb_is_not_unpacked(nifti):
    head = bytearray(nifti(BLOCK))
    head[40:48] = np.array([3, 1024, 1024, 1024], "<i2").tobytes()
    bomb = gzip.compress(bytes(head[:352]) + bytes(80_000_000), 1)
    tracemalloc.start()
    with pytest.raises(CellError, match="cut off"):
        KIND.read(bomb)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 40_000_000


def test_large_scans_are_thinned(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(600, dtype=np.float32)[:, None, None] * np.ones((1, 300, 2), dtype=np.float32))
    volume = KIND.read(path)
    assert max(volume.shape) <= MOST_SIDE
    assert volume.shape == (200, 150, 2)
    assert volume.spacing == (3, 2, 1)
    assert volume.voxels[1, 0, 0] == 3


def test_large_nifti_is_thinned(nifti):
    block = np.zeros((3, 2, 600), dtype=np.uint8)
    block[..., 3] = 9
    volume = KIND.read(nifti(block))
    assert volume.shape == (200, 2, 3)
    assert volume.voxels[1].max() == 9
    assert volume.spacing == (12, 3, 2)


def test_folders_that_are_no_scans(tmp_path, dicom):
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "no DICOM files")
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.dcm").write_text("hello")
    refused(tmp_path / "text", "damaged")
    dicom(tmp_path / "shapes" / "a.dcm", np.zeros((4, 4)), 0, 1)
    dicom(tmp_path / "shapes" / "b.dcm", np.zeros((4, 5)), 1, 2)
    refused(tmp_path / "shapes", "different shapes: 4 x 4 and 4 x 5")


def test_missing_slices_are_said(series):
    (series / "6.dcm").unlink()
    refused(series, r"Slices are missing: between '7.dcm' and '5.dcm' there are 6 mm, elsewhere 3 mm")


def test_a_slice_that_is_cut_off(series):
    content = (series / "6.dcm").read_bytes()
    for length in (40, 140, 300, len(content) - 9):
        (series / "6.dcm").write_bytes(content[:length])
        refused(series, "DICOM|damaged|cut|missing")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"Rows": 60000, "Columns": 60000}, "is not read"),
        ({"Rows": 8000, "Columns": 8000}, "cannot be read"),
        ({"Rows": None}, "no picture"),
        ({"Rows": 0}, "no picture"),
        ({"NumberOfFrames": 1_000_000_000}, "is not read"),
        ({"NumberOfFrames": 500}, "cannot be read"),
        ({"BitsAllocated": 7}, "cannot be read"),
        ({"PhotometricInterpretation": None}, "cannot be read"),
    ],
)
def test_headers_that_lie(tmp_path, dicom, fields, told):
    with np.errstate(all="ignore"):
        dicom(tmp_path / "a.dcm", np.zeros((5, 7)), **fields)
    refused(tmp_path / "a.dcm", told)


def test_files_packed_as_a_whole_are_not_unpacked(tmp_path, dicom):
    dicom(tmp_path / "a.dcm", np.zeros((5, 7)))
    content = (tmp_path / "a.dcm").read_bytes()
    refused(content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"), "packed as a whole")


def test_odd_spacings_count_as_unknown(tmp_path, dicom):
    dicom(tmp_path / "a.dcm", np.zeros((5, 7)), PixelSpacing=[0, 0.5], SliceThickness=None)
    assert KIND.read(tmp_path / "a.dcm").spacing == (1, 1, 0.5)


def test_a_folder_that_may_not_be_left(series, tmp_path):
    room = tmp_path / "room"
    (room / "mine").mkdir(parents=True)
    (room / "mine" / "a.dcm").symlink_to(series / "9.dcm")
    (room / "way").symlink_to(series)
    parsed = KIND.parse(pl.Series(["../scan", "way", "mine", str(series)]), Confined(room))
    assert parsed.present.all()
    for row in range(4):
        for do in (KIND.read, KIND.key):
            with pytest.raises(CellError, match="leads out of"):
                do(parsed.values[row])
    assert KIND.read(KIND.parse(pl.Series(["mine"]), room).values[0]).shape == (1, 5, 7), "elsewhere links are followed"


def test_a_package_that_is_not_there(tmp_path, nifti, dicom, monkeypatch):
    import sys

    content = nifti(BLOCK)
    dicom(tmp_path / "a.dcm", np.zeros((5, 7)))
    for name in ("nibabel.nifti1", "pydicom"):
        monkeypatch.setitem(sys.modules, name, None)
    for value, package in ((content, "nibabel"), (tmp_path / "a.dcm", "pydicom")):
        with pytest.raises(MissingExtra, match=rf"{package}.*consilience\[volume\]"):
            KIND.read(value)
        assert "needs the package" in KIND.thumbnail(value)
    assert KIND.read(npy(BLOCK)).shape == BLOCK.shape, "arrays need none"


@pytest.mark.parametrize("name", sorted(KIND.corruptions))
def test_damage_grows(name):
    random = np.random.default_rng(2)
    volume = Volume(random.normal(size=(24, 24, 24)).astype(np.float32).cumsum(0).cumsum(1), (2.0, 1.0, 1.0))
    gaps = [np.mean([abs(KIND.corruptions[name](volume, severity, np.random.default_rng(seed)).voxels - volume.voxels).mean() for seed in range(6)])
            for severity in range(6)]  # fmt: skip
    assert gaps[0] == 0
    assert gaps[1] > 0
    assert gaps == sorted(gaps)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 40, 3), (50, 2, 2)])
def test_odd_shapes_are_shown_and_changed(shape):
    volume = Volume(np.random.default_rng(0).normal(size=shape).astype(np.float32), (1.0, 9.0, 0.1))
    assert "<img" in KIND.thumbnail(npy(volume.voxels))
    for change in KIND.corruptions.values():
        assert change(volume, 5, np.random.default_rng(0)).shape == shape
    for change in KIND.augmentations.values():
        assert np.isfinite(change(volume, np.random.default_rng(0)).voxels).all()


def test_what_is_a_scan_and_what_is_not(tmp_path):
    random = np.random.default_rng(0)
    for name, shape in {"scan": (9, 10, 11), "picture": (20, 20, 3), "cloud": (50, 3), "wave": (50,)}.items():
        np.save(tmp_path / f"{name}.npy", random.normal(size=shape))
        score = KIND.sniff(Profile("x", pl.Series([f"{name}.npy"] * 3), tmp_path)).score
        assert score > 0.9 if name == "scan" else score == 0, name
    assert KIND.sniff(Profile("x", pl.Series(["a.nii.gz", "b.nii", "c.dcm"]), tmp_path)).score > 0.9
    assert KIND.sniff(Profile("x", pl.Series([npy(np.zeros((50, 3)))]))).score == 0
