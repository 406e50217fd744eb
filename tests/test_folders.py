"""Folders and zips read as what they are: parts, classes, names, tables of labels, shapes."""

import io
import threading
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vae_core import data, formats, images
from vae_core.config import DataConfig
from vae_core.data import decoding, folders, labels, shapes, splits

CONFIG = DataConfig("mine")


def png(level: int = 100, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> bytes:
    """A flat picture of width and height `size`, known by its red."""
    buffer = io.BytesIO()
    Image.new(mode, size, level if mode == "L" else (level, 50, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def files(*names: str) -> dict[str, bytes]:
    return {name: png(k + 1) for k, name in enumerate(names)}


def put(folder: Path, contents: dict[str, bytes]) -> Path:
    for name, content in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def zipped(contents: dict[str, bytes], flag: bool = True) -> bytes:
    """A zip; without the flag, names are UTF-8 that does not say so."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    out = buffer.getvalue()
    if not flag:
        for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            start = 0
            changed = bytearray(out)
            while (start := out.find(mark, start)) >= 0:
                changed[start + place + 1] &= ~0x08
                start += 4
            out = bytes(changed)
    return out


def read(source: Path | bytes, config: DataConfig = CONFIG, table: bytes | str | None = None):
    return folders.read(source, config, lambda share, text: None, None, table)


def reds(raw) -> list[int]:
    return raw.pixels(np.arange(raw.count))[:, 0, 0, 0].tolist()


# --- parts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("training", "testing"), ("training", "test")),
        (("Training", "Testing"), ("training", "test")),
        (("training_set", "test_set"), ("training", "test")),
        (("TrainSet", "TestSet"), ("training", "test")),
        (("trainset", "testset"), ("training", "test")),
        (("train", "dev"), ("training", "validation")),
        (("train", "eval"), ("training", "test")),
        (("train", "eval", "test"), ("training", "validation", "test")),
        (("seg_train", "seg_test", "seg_pred"), ("training", "test", "left out")),
        (("train2017", "val2017"), ("training", "validation")),
        (("train-images", "test-images"), ("training", "test")),
        (("cats_train", "cats_valid"), ("training", "validation")),
        (("train", "test", "drafts"), ("training", "test", "left out")),
        (("dev", "test"), ("training", "test")),
        (("train", "held_out"), ("training", "test")),
        (("train", "held-out"), ("training", "test")),
        (("train", "HoldOut"), ("training", "test")),
        (("train-images", "t10k-images"), ("training", "test")),
        (("devel", "held-out"), ("training", "test")),
        (("Training", "PublicTest", "PrivateTest"), ("training", "validation", "test")),
        (("train_small", "train_large", "test"), ("training", "training", "test")),
        (("trainA", "trainB", "testA", "testB"), ("training", "training", "test", "test")),
        (("train", "test", "testA", "testB"), ("training", "test", "left out", "left out")),
        (("tr", "te"), ("training", "test")),
        (("tr", "va", "te"), ("training", "validation", "test")),
        (("tr", "fr", "de"), ()),
        (("learn", "test"), ("training", "test")),
        (("Trainingsdaten", "Testdaten"), ("training", "test")),
        (("Training", "Validierung"), ("training", "validation")),
        (("Trainingsbilder", "Validierungsdaten", "Testbilder"), ("training", "validation", "test")),
        (("train", "bus", "car"), ()),
        (("threshold_out", "train"), ()),
        (("valid", "invalid"), ()),
        (("train",), ()),
        (("test",), ()),
        (("cat", "dog"), ()),
    ],
)
def test_folders_are_parts_where_their_names_say_so(names, expected):
    found = splits.parts(names)
    assert tuple(found.get(name) for name in names) == expected if expected else found == {}


@pytest.mark.parametrize("pair", [("training", "testing"), ("Train", "Test"), ("training_set", "test_set")])
def test_given_parts_are_kept_and_told_and_classes_lie_below(tmp_path, pair):
    train, test = pair
    names = [f"{train}/{c}/{k}.png" for c in ("cat", "dog") for k in range(3)] + [
        f"{test}/{c}/a.png" for c in ("cat", "dog")
    ]
    found = data.load(DataConfig("mine"), put(tmp_path, files(*names)))
    assert found.train.class_names == ("cat", "dog")
    assert sorted(found.test.names) == [f"{test}/cat/a.png", f"{test}/dog/a.png"]
    assert found.test.labels.tolist() == [0, 1] and len(found.train) + len(found.val) == 6
    assert any("no classes" in note and "--split-folders off" in note for note in found.train.notes)


def test_a_given_validation_part_is_the_validation_part(tmp_path):
    names = [f"train/{k}.png" for k in range(8)] + [f"dev/{k}.png" for k in range(3)]
    found = data.load(DataConfig("mine", test_fraction=0.25), put(tmp_path, files(*names)))
    assert {name.split("/")[0] for name in found.val.names} == {"dev"} and len(found.val) == 3
    assert (len(found.train), len(found.test)) == (6, 2)
    assert {name.split("/")[0] for name in (*found.train.names, *found.test.names)} == {"train"}


def test_who_means_classes_says_so(tmp_path):
    source = put(tmp_path, files(*(f"{part}/{k}.png" for part in ("Training", "Testing") for k in range(3))))
    raw = read(source, DataConfig("mine", split_folders=False))
    assert raw.class_names == ("Testing", "Training") and raw.test is None
    (note,) = raw.notes
    assert note.startswith("folders are classes: Testing, Training (2); --split-folders on")


def test_folders_that_become_classes_are_told(tmp_path):
    (note,) = read(put(tmp_path, files(*(f"{k}/x.png" for k in range(12))))).notes
    assert note.startswith("folders are classes: 0, 1, 2, ... (12); --split-folders")
    names = [f"{part}/{c}.png" for part in ("train/cat", "train/dog", "test/cat", "test/dog") for c in "ab"]
    told = read(put(tmp_path / "parts", files(*names))).notes
    assert "folders are classes: cat, dog (2)" in told


def test_letters_of_parts_are_the_classes(tmp_path):
    raw = read(put(tmp_path, files(*(f"{part}{c}/1.png" for part in ("train", "test") for c in "AB"))))
    assert raw.class_names == ("A", "B") and raw.labels.tolist() == raw.test.labels.tolist() == [0, 1]
    below = files(*(f"{part}{c}/{x}/1.png" for part in ("train", "test") for c in "AB" for x in ("cat", "dog")))
    assert read(zipped(below)).class_names == ("cat", "dog")


def test_strays_above_the_parts_cost_no_labels(tmp_path):
    names = [f"data/{part}/{c}/{k}.png" for part in ("Training", "Testing") for c in ("cat", "dog") for k in range(3)]
    raw = read(put(tmp_path, files(*names, "logo.png", "data/sample.png")))
    assert raw.class_names == ("cat", "dog") and (raw.count, raw.test.count) == (6, 6)
    assert "2 pictures beside the parts (logo.png, data/sample.png)" in raw.notes[-1]


def test_a_few_folders_below_many_pictures_are_no_parts(tmp_path):
    raw = read(put(tmp_path, files(*(f"{k}.png" for k in range(6)), "sub/train/1.png", "sub/test/2.png")))
    assert raw.count == 8 and raw.test is None and raw.labels is None


def test_parts_below_the_classes_are_parts(tmp_path):
    raw = read(put(tmp_path, files("cat/train/1.png", "cat/test/2.png", "dog/train/3.png", "dog/test/4.png")))
    assert (raw.class_names == ("cat", "dog") and reds(raw) == [2, 4]) or reds(raw) == [1, 3]
    assert raw.test.labels.tolist() == [0, 1]


def test_a_part_within_itself_is_no_class(tmp_path):
    raw = read(
        put(
            tmp_path,
            files(
                *(f"seg_{part}/seg_{part}/{c}/1.png" for part in ("train", "test") for c in ("sea", "street")),
                "seg_pred/seg_pred/9.png",
            ),
        )
    )
    assert raw.class_names == raw.test.class_names == ("sea", "street") and (raw.count, raw.test.count) == (2, 2)
    assert "1 pictures beside the parts (seg_pred)" in raw.notes[-1]


def test_a_flat_test_part_leaves_the_training_labels(tmp_path):
    names = [f"train/{c}/{k}.png" for c in ("cat", "dog") for k in range(4)]
    found = data.load(DataConfig("mine"), put(tmp_path, files(*names, "test/1.png", "test/2.png")))
    assert found.train.labels is not None and found.train.class_names == ("cat", "dog")
    assert found.test.labels is None and len(found.test) == 2
    assert any("2 of the test pictures lie in no folder of a class" in note for note in found.train.notes)
    whole = found.whole()
    assert whole.class_names == ("cat", "dog", "(none)") and whole.labels.tolist()[-2:] == [2, 2]


# --- names ---------------------------------------------------------------------------------------------------------


def test_a_zip_made_on_windows_has_folders():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files("pets\\cat\\1.png", "pets\\dog\\2.png").items():
            entry = zipfile.ZipInfo("x")
            entry.filename = name
            archive.writestr(entry, content)
    raw = read(buffer.getvalue())
    assert raw.class_names == ("cat", "dog") and raw.names == ("pets/cat/1.png", "pets/dog/2.png")


def test_names_that_are_utf_8_without_saying_so_are_read():
    raw = read(zipped(files("Käfer/1.png", "Blüte/2.png"), flag=False))
    assert raw.class_names == ("Blüte", "Käfer") and len(raw.notes) == 1


def written(name: str, encoding: str) -> bytes:
    """A zip with one picture, in a folder whose name is in an encoding that the zip does not tell."""
    letters = name.encode(encoding)
    return zipped(files(f"{'x' * len(letters)}/1.png")).replace(b"x" * len(letters), letters)


def test_names_in_an_unknown_writing_are_told():
    raw = read(written("Käfer", "cp437"))
    assert raw.class_names == ("Käfer",)
    assert raw.notes[0].startswith("1 names of the zip are not UTF-8") and "code page 437, Käfer/1.png" in raw.notes[0]
    assert raw.notes[0].endswith("pack the zip again with UTF-8 names")


@pytest.mark.parametrize(("name", "encoding"), [("いぬ", "shift_jis"), ("кошка", "cp866"), ("照片", "gbk")])
def test_names_that_are_no_letters_of_code_page_437_are_a_warning(name, encoding):
    raw = read(written(name, encoding))
    assert raw.count == 1 and raw.notes[0].startswith("Warning: 1 names of the zip are not UTF-8")
    assert raw.notes[0].endswith("pack the zip again with UTF-8 names")


def test_one_class_in_two_forms_of_unicode_is_one(tmp_path):
    forms = [unicodedata.normalize(form, "Café") for form in ("NFC", "NFD")]
    raw = read(zipped(files(*(f"{form}/{k}.png" for k, form in enumerate(forms)), "Tee/3.png")))
    assert raw.class_names == (forms[0], "Tee") and sorted(raw.labels.tolist()) == [0, 0, 1]


def test_classes_are_in_natural_order(tmp_path):
    raw = read(put(tmp_path, files(*(f"{k}/x.png" for k in range(1, 13)))))
    assert raw.class_names == tuple(map(str, range(1, 13)))
    assert labels.coded(["a10", "a9", "a", "B2"])[0] == ("a", "a9", "a10", "B2")


@pytest.mark.parametrize("ending", ["jfif", "jpe", "JPG", "jif"])
def test_every_ending_of_a_jpeg_is_read(tmp_path, ending):
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 90, 90)).save(buffer, "JPEG")
    raw = read(put(tmp_path, {"a.jpg": buffer.getvalue(), f"b.{ending}": buffer.getvalue()}))
    assert raw.count == 2 and raw.notes == ()


def test_what_is_left_out_is_one_sentence(tmp_path):
    contents = files("a.png") | {"b.png": b"no picture", "notes.txt": b"x", ".DS_Store": b"", ".git/c.png": png()}
    (note,) = read(put(tmp_path, contents)).notes
    assert note == (
        "files left out: 1 that could not be read (b.png: This is not a picture that can be read here; these can: "
        f"{formats.words()}); "
        "1 that are no pictures by their names (notes.txt); 2 hidden"
    )


# --- tables of labels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        "file,class\n1.png,cat\n2.png,dog\n",
        "id;label\n1;cat\n2;dog\n",
        "1.png\tcat\n2.png\tdog\n",
        "1.png cat\n2.png dog\n",
        ",path,label\n0,some/where/1.png,cat\n1,some/where/2.png,dog\n",
        "label,image\ncat,pictures\\1.PNG\ndog,2.PNG\n",
        "image,cat,dog,cow\n1,1.0,0.0,0.0\n2,0.0,1.0,0.0\n",
        'file,class\n\n"1.png", "cat"\n2.png,dog\n',
        '"file","class"\r\n"1.png","cat"\r\n"2.png","dog"\r\n',
    ],
)
def test_a_table_gives_the_class_of_each_picture(tmp_path, table):
    raw = read(put(tmp_path, files("1.png", "2.png")), table=table.encode())
    assert [raw.class_names[k] for k in raw.labels] == ["cat", "dog"] and raw.factors is None


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("1.png,Mass|Nodule|Edema\n2.png,No|Finding|Here\n", ("Mass|Nodule|Edema", "No|Finding|Here")),
        ("1.png|a, b\n2.png|c, d, e\n", ("a, b", "c, d, e")),
        ("file;class\n1.png;1,5 mm, old\n2.png;2,5 mm, new\n", ("1,5 mm, old", "2,5 mm, new")),
        ("file\tclass\n1.png\ta great dog\n2.png\ta small cat\n", ("a great dog", "a small cat")),
        ('1.png,"red\nor so"\n2.png,"blue, dark"\n', ("red or so", "blue, dark")),
    ],
)
def test_the_delimiter_is_the_one_that_gives_the_pictures_names(tmp_path, table, expected):
    raw = read(put(tmp_path, files("1.png", "2.png")), table=table.encode())
    assert tuple(raw.class_names[k] for k in raw.labels) == expected


def test_a_quoted_cell_of_several_lines_is_one_cell(tmp_path):
    rows = "".join(f'{k}.png,{"red" if k % 2 else "blue"},"line one\n{k}, line two\n"\n' for k in range(24))
    raw = read(put(tmp_path, files(*(f"{k}.png" for k in range(24)))), table=f"file,class,comment\n{rows}".encode())
    assert raw.class_names == ("blue", "red") and raw.factors is None
    assert not any("name no picture" in note for note in raw.notes)


@pytest.mark.parametrize("header", ["label,id", "id,label"])
def test_numbers_may_lack_zeros_and_a_class_is_not_taken_for_a_name(tmp_path, header):
    pairs = [(k % 3, k) if header.startswith("label") else (k, k % 3) for k in range(12)]
    table = f"{header}\n" + "".join(f"{a},{b}\n" for a, b in pairs)
    raw = read(put(tmp_path, files(*(f"{k:04}.png" for k in range(12)))), table=table.encode())
    assert raw.labels.tolist() == [k % 3 for k in range(12)]


def test_several_attributes_are_factors(tmp_path):
    """CelebA's list_attr_celeba.txt: a number, the names of the attributes, and rows parted by blanks."""
    table = "3\nMale  Smiling\n1.png -1  1\n2.png  1  1\n9.png  1 -1\n"
    raw = read(put(tmp_path, files("1.png", "2.png")), table=table.encode())
    assert raw.factor_names == ("Male", "Smiling") and raw.labels is None
    assert [raw.value_names[0][v] for v in raw.factors[:, 0]] == ["no", "yes"]
    assert any("1 of 3 rows of the table of labels name no picture here: 9.png" in note for note in raw.notes)


def test_a_class_among_attributes_is_the_class(tmp_path):
    table = "id,breed,age,weight\n1,pug,old,1.25\n2,collie,young,2.5\n3,pug,young,3.75\n4,pug,old,4.5\n"
    raw = read(put(tmp_path, files(*(f"{k}.png" for k in range(1, 5)))), table=table.encode())
    assert raw.class_names == ("collie", "pug") and raw.labels.tolist() == [1, 0, 1, 1]
    assert raw.factor_names == ("age",)
    assert any("weight" in note for note in raw.notes)


NAMES = [f"{k:02}.png" for k in range(24)]


def told(tmp_path: Path, header: str, *columns, config: DataConfig = CONFIG):
    """24 pictures, by a table whose columns are functions of their number."""
    rows = "".join(",".join([name, *(str(column(k)) for column in columns)]) + "\n" for k, name in enumerate(NAMES))
    return read(put(tmp_path, files(*NAMES)), config, f"{header}\n{rows}".encode())


def test_what_is_taken_for_what_is_one_sentence(tmp_path):
    raw = told(tmp_path, "image,species,colour,weight", lambda k: "ab"[k % 2], lambda k: "rgb"[k % 3], lambda k: k / 7)
    assert raw.class_names == ("a", "b") and raw.factor_names == ("colour",)
    assert raw.notes == (
        "labels are taken from the table of labels: column 'image' names the files (24 of 24 rows match), 'species' is "
        "the class, attributes: colour, left out, since almost every row differs: weight; a column that is to be the "
        "class must be called class",
    )


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("file,x,y", (lambda k: k % 4, lambda k: k // 6)),  # a place
        ("file,target,colour", (lambda k: [0.5, 1.5, 2.25][k % 3], lambda k: "rg"[k % 2])),  # something measured
        ("file,label,colour,kind", (lambda k: f"text {k}", lambda k: "rg"[k % 2], lambda k: k % 5)),  # a description
    ],
)
def test_numbers_and_texts_that_differ_are_no_class_whatever_they_are_called(tmp_path, header, columns):
    raw = told(tmp_path, header, *columns)
    assert raw.labels is None and raw.factors is not None


@pytest.mark.parametrize("header", ["file,y,class", "file,class,y"])
def test_the_clearer_name_is_the_class(tmp_path, header):
    raw = told(tmp_path, header, *[lambda k: k % 3, lambda k: "ab"[k % 2]][:: 1 if header.endswith("class") else -1])
    assert raw.class_names == ("a", "b") and raw.factor_names == ("y",)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("split", ("train", "val", "test")),
        ("Usage", ("Training", "PublicTest", "PrivateTest")),
        ("data_set", ("train", "valid", "test")),
        ("partition", ("0", "1", "2")),
    ],
)
def test_a_column_of_parts_gives_the_parts_and_is_told(tmp_path, name, values):
    columns = (lambda k: "ab"[k % 2], lambda k: values[max(0, k - 21)])
    raw = told(tmp_path, f"file,label,{name}", *columns)
    assert (raw.names, raw.val.names, raw.test.names) == (tuple(NAMES[:22]), (NAMES[22],), (NAMES[23],))
    assert raw.class_names == ("a", "b") and raw.test.labels.tolist() == [1] and raw.factors is None
    assert f"{name!r} tells the parts (--split-folders off" in raw.notes[0]
    whole = told(tmp_path, f"file,label,{name}", *columns, config=DataConfig("mine", split_folders=False))
    assert whole.count == 24 and whole.test is None and whole.factor_names == (name,)


def test_numbers_of_folds_are_no_parts(tmp_path):
    raw = told(tmp_path, "file,label,fold", lambda k: "ab"[k % 2], lambda k: k % 3)
    assert raw.count == 24 and raw.test is None and raw.factor_names == ("fold",)


def test_parts_alone_leave_the_pictures_without_classes(tmp_path):
    """CelebA's list_eval_partition.txt has no names of columns; what it does not name is in no part."""
    table = b"1.png 0\n2.png 1\n3.png 2\n"
    source = put(tmp_path, files("1.png", "2.png", "3.png", "4.png") | {"list_eval_partition.txt": table})
    raw = read(source, table="list_eval_partition.txt")
    assert (raw.names, raw.val.names, raw.test.names) == (("1.png",), ("2.png",), ("3.png",))
    assert raw.labels is None and any("1 of the pictures are left out: the table" in note for note in raw.notes)


def test_rows_that_contradict_one_another_are_told(tmp_path):
    table = b"file,class\n1.png,cat\n1.png,dog\n2.png,cat\n2.png,cat\n"
    raw = read(put(tmp_path, files("1.png", "2.png")), table=table)
    assert [raw.class_names[k] for k in raw.labels] == ["dog", "cat"]
    (note,) = (note for note in raw.notes if "contradict" in note)
    assert note.startswith("1 of the pictures have rows") and note.endswith("the last counts: 1.png")


def test_a_draw_of_the_pictures_says_nothing_wrong_of_the_table(tmp_path):
    raw = told(tmp_path, "file,class", lambda k: "ab"[k % 2], config=DataConfig("mine", count=5))
    assert raw.count == 5 and len(raw.notes) == 1 and "24 of 24 rows match" in raw.notes[0]


def test_pictures_without_a_row_are_told_and_have_no_class(tmp_path):
    raw = read(put(tmp_path, files("1.png", "2.png", "3.png")), table=b"file,class\n1.png,cat\n2.png,dog\n")
    assert [raw.class_names[k] for k in raw.labels] == ["cat", "dog", "(none)"]
    assert any("1 of the pictures have no row in the table of labels: 3.png" in note for note in raw.notes)


def test_a_table_of_the_training_part_leaves_the_test_part_without(tmp_path):
    source = put(tmp_path, files("train/1.png", "train/2.png", "test/3.png"))
    raw = read(source, table=b"id,label\n1,cat\n2,dog\n")
    assert raw.class_names == ("cat", "dog") and raw.labels.tolist() == [0, 1] and raw.test.labels is None


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_labels_csv_beside_the_pictures_is_used_and_told(tmp_path, kind):
    contents = files("pictures/1.png", "2.png") | {"labels.csv": b"file,class\n1.png,cat\n2.png,dog\n"}
    raw = read(put(tmp_path, contents) if kind == "folder" else zipped(contents))
    assert sorted(raw.class_names) == ["cat", "dog"]
    assert raw.notes == (
        "labels are taken from labels.csv, which lies with the pictures: column 'file' names the files "
        "(2 of 2 rows match), 'class' is the class",
    )


def test_labels_csv_gives_way_to_class_folders_and_that_is_told(tmp_path):
    source = put(tmp_path, files("cat/1.png", "dog/2.png") | {"labels.csv": b"1.png,x\n2.png,y\n"})
    raw = read(source)
    assert raw.class_names == ("cat", "dog") and "--labels labels.csv" in raw.notes[0]
    assert read(source, table="labels.csv").class_names == ("x", "y")


@pytest.mark.parametrize("kind", ["folder", "zip"])
@pytest.mark.parametrize("table", ["photos/labels.csv", "labels.csv"])
def test_the_one_folder_that_holds_all_is_no_class_where_a_table_tells_them(tmp_path, kind, table):
    contents = files("photos/1.png", "photos/2.png") | {table: b"file,class\n1.png,cat\n2.png,dog\n"}
    raw = read(put(tmp_path, contents) if kind == "folder" else zipped(contents))
    assert raw.class_names == ("cat", "dog") and raw.labels.tolist() == [0, 1]
    assert f"labels are taken from {table}, which lies with the pictures" in raw.notes[0]


def test_a_table_that_nobody_asked_for_and_that_does_not_fit_is_passed_over_and_told(tmp_path):
    source = put(
        tmp_path, files("photos/1.png", "photos/2.png") | {"labels.csv": b"file,class\n8.png,cat\n9.png,dog\n"}
    )
    raw = read(source)
    assert raw.class_names == ("photos",) and any("labels.csv was not used" in note for note in raw.notes)
    with pytest.raises(ValueError, match="names none of the pictures"):
        read(source, table="labels.csv")


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (b"a,b\nc,d\n", "names none of the pictures"),
        (b"", "no two columns"),
        (b"\0\1", "no text"),
        ("none.csv", "There is no table 'none.csv'"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, table, match):
    with pytest.raises(ValueError, match=match):
        read(put(tmp_path, files("1.png")), table=table)


def test_a_table_does_not_go_with_arrays_or_a_named_set():
    buffer = io.BytesIO()
    np.savez(buffer, images=np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(ValueError, match="labels of their own"):
        read(buffer.getvalue(), table=b"1,2\n")
    with pytest.raises(ValueError, match="named set"):
        data.load(DataConfig("digits"), labels=b"1,2\n")


# --- shapes --------------------------------------------------------------------------------------------------------


def test_long_pictures_keep_their_shape_and_what_it_costs_is_told(tmp_path):
    raw = read(
        put(tmp_path, {f"{k}.png": png(200 + k, (1300, 128), "L") for k in range(3)}), DataConfig("mine", fit="pad")
    )
    assert raw.side == (25, 256)
    assert raw.notes == (
        "Warning: pictures of 128 x 1300 are scaled, whole, to 25 x 256 (height x width), which is 3.8% as many "
        "pixels; --size HxW keeps more",
    )


def test_a_crop_tells_the_share_that_is_cut_and_warns_above_a_quarter(tmp_path):
    source = put(tmp_path, {f"{k}.png": png(k, (64, 16)) for k in range(2)})
    (note,) = read(source, DataConfig("mine", size=(16, 16))).notes
    assert note.startswith("Warning: 75% of the pictures' area is cut away: of 16 x 64") and "--fit pad" in note
    (note,) = read(source, DataConfig("mine", size=(16, 56))).notes
    assert note.startswith("12% of the pictures' area")


def test_few_pixels_that_are_left_are_a_warning_however_pictures_are_fitted():
    pad, crop, stretch = (DataConfig("mine", fit=fit) for fit in ("pad", "crop", "stretch"))
    mixed = {(400, 300): 2, (120, 160): 1, (90, 60): 1}
    told = shapes.describe(mixed, (64, 64), pad)
    assert told.startswith("Warning: pictures of 3 sizes (90 x 60 to 400 x 300) are each fitted whole into 64 x 64")
    assert "the rest has 2.6% to 50.6% as many pixels; --size HxW keeps more" in told
    assert "the rest has" not in shapes.describe({(40, 30): 1, (30, 40): 1}, (64, 64), pad)
    told = shapes.describe(mixed, (64, 64), crop)
    assert told.startswith("Warning: ") and "cut away" in told and "which has 4.6% to 100.0% as many pixels" in told
    assert shapes.describe({(400, 400): 1}, (64, 64), crop).startswith("Warning: pictures of 400 x 400 are scaled")
    assert shapes.describe({(400, 300): 1}, (64, 64), stretch).startswith(
        "Warning: pictures of 400 x 300 are stretched"
    )
    assert shapes.describe({(64, 128): 1}, (32, 64), pad).startswith("pictures of 64 x 128 are scaled"), (
        "a quarter is left"
    )
    assert shapes.describe({(65, 130): 1}, (32, 64), pad).startswith("Warning: pictures of 65 x 130 are scaled")


def test_borders_of_more_than_half_are_a_warning():
    pad = DataConfig("mine", fit="pad")
    assert shapes.describe({(60, 20): 1}, (60, 60), pad).startswith(
        "Warning: pictures of 60 x 20 are each fitted whole"
    )
    assert shapes.describe({(60, 30): 1}, (60, 60), pad).startswith("pictures of 60 x 30 are each fitted whole")


def test_pads_keep_pictures_whole_on_their_own_ground(tmp_path):
    tall, wide = Image.new("L", (10, 20), 200), Image.new("L", (20, 10), 30)
    for picture in (tall, wide):
        picture.paste(90, (4, 4, 6, 6))
    contents = {}
    for name, picture in (("a.png", tall), ("b.png", wide)):
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        contents[name] = buffer.getvalue()
    raw = read(put(tmp_path, contents), DataConfig("mine", fit="pad"))
    pixels = raw.pixels(np.arange(2))[..., 0]
    assert raw.side == (20, 20) and pixels[0, 0, 0] == pixels[0, 10, 19] == 200 and pixels[1, 19, 10] == 30
    assert "50% of which becomes border" in raw.notes[0]


def test_arrays_are_fitted_as_files_are(tmp_path):
    pixels = np.full((4, 8, 16), 7, np.uint8)
    pixels[:, 2:6, 6:10] = 99
    buffer = io.BytesIO()
    np.savez(buffer, images=pixels)
    found = data.load(DataConfig("mine", size=(16, 16), fit="pad"), buffer.getvalue()).whole()
    assert (found.images[:, 0, 0] == 7).all() and found.images.max() > 80
    cut = data.load(DataConfig("mine", size=(16, 16)), buffer.getvalue()).train
    assert any("50% of the pictures' area" in note for note in cut.notes)


def test_a_shape_that_only_rounds_gets_no_border():
    assert images.fills((128, 1300), (25, 256)) and not images.fills((100, 200), (64, 64))
    assert shapes.padded((128, 1300), (25, 256)) == 0
    assert shapes.cut((100, 200), (64, 64)) == pytest.approx(0.5)


def test_sizes_are_found_however_late_one_differs(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "AT_ONCE", 2)
    contents = {f"{k:02}.png": png(k, (16, 16)) for k in range(9)} | {"99.png": png(99, (20, 12))}
    raw = read(put(tmp_path, contents), DataConfig("mine", fit="pad"))
    assert raw.side == (20, 20) and raw.count == 10 and raw.pixels(np.arange(10))[9, 10, 10, 0] == 99


# --- reading -------------------------------------------------------------------------------------------------------


def test_a_plain_png_is_read_the_short_way_and_comes_out_the_same():
    rng = np.random.default_rng(0)
    for mode, shape in (("L", (9, 13)), ("RGB", (9, 13, 3))):
        pixels = rng.integers(0, 256, shape).astype(np.uint8)
        buffer = io.BytesIO()
        Image.fromarray(pixels, mode).save(buffer, "PNG")
        short = images._plain_png(buffer.getvalue(), None)
        assert short is not None and short.mode == mode and (np.asarray(short) == pixels).all()
        damaged = bytearray(buffer.getvalue())
        damaged[60] ^= 1
        assert images._plain_png(bytes(damaged), None) is None
        assert images._plain_png(buffer.getvalue()[:-20], None) is None


def test_what_a_png_asks_for_is_not_passed_over():
    turned, buffer = Image.Exif(), io.BytesIO()
    turned[0x0112] = 6
    Image.new("L", (8, 16)).save(buffer, "PNG", exif=turned)
    assert images._plain_png(buffer.getvalue(), None) is None
    clear = io.BytesIO()
    Image.new("L", (8, 8)).save(clear, "PNG", transparency=0)
    assert images._plain_png(clear.getvalue(), None) is None
    assert images.open_image(clear.getvalue()).mode == "RGBA"


def test_grey_becomes_colour_where_one_picture_has_some(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "AT_ONCE", 2)
    source = put(tmp_path, {f"{k}.png": png(10 * k, mode="L") for k in range(5)} | {"9.png": png(77)})
    raw = read(source)
    assert raw.channels == 3 and reds(raw) == [0, 10, 20, 30, 40, 77]


def test_several_threads_decode_and_a_stop_ends_them(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "AT_ONCE", 1)
    monkeypatch.setattr(decoding, "MAX_THREADS", 2)
    seen = set()

    def picture(content: bytes, size: tuple[int, int], **how):
        seen.add(threading.current_thread().name)
        return folders.cut_out(content, size, **how)

    class Stopped(Exception):
        pass

    def stop(share: float, text: str) -> None:
        if share > 0.5:
            raise Stopped

    source = put(tmp_path, files(*(f"{k:02}.png" for k in range(40))))
    with pytest.raises(Stopped):
        folders.read(source, CONFIG, stop, picture)
    assert threading.main_thread().name not in seen
    assert not any(thread.name.startswith("decode") for thread in threading.enumerate())


def test_parts_lie_in_the_memory_that_was_read_and_rows_keep_their_names(tmp_path):
    source = put(tmp_path, files(*(f"{k:02}.png" for k in range(50))))
    found = data.load(DataConfig("mine", seed=3), source)
    for part in (found.train, found.val, found.test):
        assert [int(name[:2]) + 1 for name in part.names] == part.images[:, 0, 0, 0].tolist()
        assert list(part.names) == sorted(part.names)
        assert part.images.untyped_storage().data_ptr() == found.train.images.untyped_storage().data_ptr()
    assert len({*found.train.names, *found.val.names, *found.test.names}) == 50
    assert found.train.subset(torch.tensor([2, 0])).names == (found.train.names[2], found.train.names[0])


# --- whose pictures they are ---------------------------------------------------------------------------------------


def test_pictures_are_told_by_their_contents_and_not_by_where_they_lie(tmp_path):
    contents = files("cat/1.png", "dog/2.png")
    first, moved = put(tmp_path / "a" / "images", contents), put(tmp_path / "b" / "photos", contents)
    other = put(tmp_path / "c" / "images", files("cat/1.png", "dog/3.png"))
    put(moved, {"readme.txt": b"moved", ".DS_Store": b""})
    assert data.identity(first) == data.identity(moved) != data.identity(other)
    packed = zipped(contents)
    (tmp_path / "x.zip").write_bytes(packed)
    assert data.identity(packed) == data.identity(tmp_path / "x.zip") != data.identity(zipped(files("1.png")))
    assert data.identity(tmp_path / "nowhere") == ""


def test_own_pictures_are_never_called_as_a_named_set():
    assert data.own_name("mnist") == "./mnist" and data.own_name("pets") == "pets"
    assert data.preparation(DataConfig("mnist"))[1] is True
    assert data.preparation(DataConfig("./mnist", fit="pad")) == (images.Preparation(fit="pad"), None)
