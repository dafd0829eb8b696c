"""A prepared scan comes back as it was; a damaged or half-written file is never taken for one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lesionless import store
from lesionless.errors import ScanError, UsageError
from lesionless.preprocess.prepared import Geometry, PreparedScan

SHAPE = (5, 16, 17)
SCAN_SHAPE = (16, 19, 5)


def prepared(name: str = "sub-1_ses-2_FLAIR", *, with_lesion: bool = True) -> PreparedScan:
    rng = np.random.default_rng(1)
    return PreparedScan(
        name=name,
        subject=name.split("_")[0].removeprefix("sub-"),
        image=rng.random(SHAPE, dtype=np.float32),
        brain=rng.random(SHAPE) > 0.5,
        lesion=rng.random(SHAPE) > 0.9 if with_lesion else None,
        scan_brain=rng.random(SCAN_SHAPE) > 0.5,
        geometry=Geometry(
            scan_shape=SCAN_SHAPE,
            scan_affine=rng.normal(size=(4, 4)),
            index_to_scan=rng.normal(size=(4, 4)),
            index_to_atlas=rng.normal(size=(4, 4)),
            atlas="MNI152NLin2009aSym",
        ),
        offset=-12.5,
        scale=713.25,
        quality={"brain_ml": 1432.5, "overlap": float("nan")},
        record={"strip": {"method": "none"}, "messages": ["n4 is off", "µ"]},
    )


@pytest.mark.parametrize("with_lesion", [True, False])
def test_everything_comes_back(tmp_path: Path, with_lesion: bool) -> None:
    scan = prepared(with_lesion=with_lesion)
    path = store.save(tmp_path, scan)
    back = store.load(path)
    assert path == tmp_path / "sub-1" / "sub-1_ses-2_FLAIR_prepared.npz"
    for field in ("name", "subject", "offset", "scale", "record"):
        assert getattr(back, field) == getattr(scan, field)
    np.testing.assert_equal(dict(back.quality), dict(scan.quality))
    for field in ("brain", "lesion", "scan_brain"):
        np.testing.assert_array_equal(getattr(back, field), getattr(scan, field))
    for field in ("scan_affine", "index_to_scan", "index_to_atlas"):
        np.testing.assert_array_equal(getattr(back.geometry, field), getattr(scan.geometry, field))
    assert back.geometry.scan_shape == SCAN_SHAPE
    assert back.geometry.atlas == scan.geometry.atlas
    assert back.image.dtype == np.float32
    np.testing.assert_allclose(back.image, scan.image, atol=0.5 / 65535 + 1e-7)


def test_the_ends_of_the_range_are_kept_and_a_second_pass_changes_nothing(tmp_path: Path) -> None:
    image = prepared().image.copy()
    image[0, 0, :2] = 0, 1
    once = store.load(store.save(tmp_path, replace(prepared(), image=image)))
    assert once.image[0, 0, :2].tolist() == [0, 1]
    twice = store.load(store.save(tmp_path, once))
    np.testing.assert_array_equal(twice.image, once.image)


@pytest.mark.parametrize("value", [-0.01, 1.01, np.nan])
def test_an_image_outside_its_range_is_not_wrapped_round(tmp_path: Path, value: float) -> None:
    image = prepared().image.copy()
    image[2, 3, 4] = value
    with pytest.raises(ScanError, match=r"sub-1_ses-2_FLAIR.*\[0, 1\]"):
        store.save(tmp_path, replace(prepared(), image=image))
    assert list(tmp_path.rglob("*.npz")) == []


def test_the_same_scan_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (store.save(tmp_path / name, prepared()) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_scans_are_listed_by_name_and_partial_files_are_not(tmp_path: Path) -> None:
    for name in ("sub-2_FLAIR", "sub-1_ses-b_FLAIR", "sub-1_ses-a_FLAIR"):
        store.save(tmp_path, prepared(name))
    partial = tmp_path / "sub-1" / ".partial-x" / "sub-1_ses-c_FLAIR_prepared.npz"
    partial.parent.mkdir()
    partial.write_bytes(b"half")
    partial.replace(tmp_path / "sub-1" / ".partial-sub-1_ses-c_FLAIR_prepared.npz")
    names = ["sub-1_ses-a_FLAIR", "sub-1_ses-b_FLAIR", "sub-2_FLAIR"]
    assert [scan.name for scan in store.scans(tmp_path)] == names


def test_a_folder_without_prepared_scans_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lesionless prepare"):
        store.paths(tmp_path)


def test_a_failed_write_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.save(tmp_path, prepared())
    before = path.read_bytes()

    def fill_the_disk(file: Path, **_arrays: object) -> None:
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", fill_the_disk)
    with pytest.raises(OSError, match="No space"):
        store.save(tmp_path, prepared())
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, keep: float) -> None:
    path = store.save(tmp_path, prepared())
    path.write_bytes(path.read_bytes()[: int(keep * path.stat().st_size)])
    with pytest.raises(UsageError, match="sub-1_ses-2_FLAIR"):
        store.load(path)


def test_a_flipped_byte_is_noticed(tmp_path: Path) -> None:
    path = store.save(tmp_path, prepared())
    content = bytearray(path.read_bytes())
    content[200] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(UsageError, match="lesionless prepare"):
        store.load(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("not an archive")
    np.savez(tmp_path / "other.npz", image=np.zeros(3))
    with (tmp_path / "array.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    for name in ("text.npz", "other.npz", "array.npz", "missing.npz"):
        with pytest.raises(UsageError, match=name):
            store.load(tmp_path / name)


def test_the_record_is_read_alone(tmp_path: Path) -> None:
    assert store.record(store.save(tmp_path, prepared())) == prepared().record
    (tmp_path / "x_prepared.npz").write_text("hello")
    with pytest.raises(UsageError, match="Remove it and run"):
        store.record(tmp_path / "x_prepared.npz")


def test_the_checksum_tells_pixels_but_not_the_time_it_took(tmp_path: Path) -> None:
    scan = prepared()
    sums = {
        name: store.checksum(store.save(tmp_path / name, changed))
        for name, changed in {
            "as it was": scan,
            "other record": replace(scan, record={"seconds": {"strip": 1.0}}),
            "other image": replace(scan, image=scan.image / 2),
            "other lesion": replace(scan, lesion=~scan.lesion),
            "no lesion": replace(scan, lesion=None),
        }.items()
    }
    assert sums["as it was"] == sums["other record"]
    assert len(set(sums.values())) == 4


@pytest.mark.parametrize("with_lesion", [True, False])
def test_whether_there_is_a_lesion_mask_is_known_without_unpacking_it(
    tmp_path: Path, with_lesion: bool
) -> None:
    path = store.save(tmp_path, prepared(with_lesion=with_lesion))
    assert store.has_lesion_mask(path) is with_lesion
    empty = replace(prepared(), lesion=np.zeros(SHAPE, bool))
    assert store.has_lesion_mask(store.save(tmp_path, empty))


def test_a_damaged_file_has_no_checksum(tmp_path: Path) -> None:
    (tmp_path / "x_prepared.npz").write_text("hello")
    with pytest.raises(UsageError, match="Remove it and run"):
        store.checksum(tmp_path / "x_prepared.npz")
