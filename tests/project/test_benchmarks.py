"""The benchmarks: the comparison and its stub, and tiny runs of the programs about one part."""

from __future__ import annotations

import http.client
import importlib.util
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.errors import ChecksumMismatch
from aiohttp_s3_client.protocol import crc
from aiohttp_s3_client.protocol.listing import parse_listing
from benchmarks import many_keys
from benchmarks.compare import __main__ as program
from benchmarks.compare.chart import LABELS, Bar, bar_chart
from benchmarks.compare.clients import BY_NAME, CATALOGUE
from benchmarks.compare.clients.plan import Plan
from benchmarks.compare.environments import REQUIREMENTS, Environments
from benchmarks.compare.report import Report, number, rst_table
from benchmarks.compare.runner import Results, Run, _group, suits
from benchmarks.compare.server import Stub, free_ports, missing_programs, offer_of
from benchmarks.compare.targets import TARGETS, Target, outcomes
from benchmarks.compare.works import KEYS, KIB, MIB, PAGES, all_works
from benchmarks.listing import PAGE

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"
WHY_NOT = "it needs Linux" if sys.platform != "linux" else missing_programs(pinned=False)
needs_nginx = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

MACHINE = {"Python": "3.11"}


def a_report() -> Report:
    runs = [
        Run("get-1k", "ours", 0.4, 0.2, 1.0, 40 * MIB),
        Run("get-1k", "ours", 0.5, 0.2, 1.1, 41 * MIB),
        Run("get-1k", "ours", 0.9, 0.2, 1.2, 42 * MIB),
        Run("get-1k", "raw-aiohttp", 0.4, 0.1, 1.0, 36 * MIB),
        Run("get-1k", "obstore", 0.2, 0.2, 1.0, 30 * MIB),
    ]
    results = Results(runs, {"ours": {"aiohttp": "3.14"}}, {"opendal": "no wheel"}, {})
    return Report(MACHINE, 64 * MIB, 1.0, 3, results)


# --- the data


def test_the_data_fits_together() -> None:
    """Every name that a target or the short run mentions exists, and so do modules and lists."""
    works = {work.name: work for work in all_works()}
    for target in TARGETS:
        assert {*target.works, target.peer_work or "get-1k"} <= set(works)
        assert {target.ours, *target.peers} <= set(BY_NAME)
        for work in target.works:
            assert suits(works[work], BY_NAME[target.ours]), (target.title, work)
            for peer in target.peers:
                assert suits(works[target.peer_work or work], BY_NAME[peer]), (work, peer)
    assert set(program.QUICK_WORKS.split(",")) <= set(works)
    for entry in CATALOGUE:
        assert (ROOT / f"benchmarks/compare/clients/{entry.module}.py").exists()
        assert (REQUIREMENTS / f"{entry.environment}.txt").exists()
        assert entry.works is None or entry.works <= set(works)


def test_the_short_run_measures_every_target_in_one_environment() -> None:
    options = program.parse(["--quick"])
    clients = {entry.name for entry in program.chosen_clients(options)}
    works = {work.name for work in program.chosen_works(options)}
    for target in TARGETS:
        assert {target.ours, *target.peers} <= clients
        assert set(target.works) <= works
    assert {BY_NAME[name].environment for name in clients} == {"main"}


def test_versions_are_pinned() -> None:
    for path in REQUIREMENTS.glob("*.txt"):
        wanted = [line for line in path.read_text().splitlines() if not line.startswith("#")]
        assert wanted
        assert all("==" in line for line in wanted), path


def test_unknown_names_are_told() -> None:
    with pytest.raises(SystemExit, match="--clients: unknown nobody; there are raw-aiohttp"):
        program.chosen_clients(program.parse(["--clients", "ours,nobody"]))


# --- what is written


def test_the_chart_is_svg_with_bars_to_scale() -> None:
    chart = bar_chart("<a & b>", [Bar("x < y", 30, 10, ours=True), Bar("z", 50, 30)])
    root = ElementTree.fromstring(chart)
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == "<a & b>"
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert {"x < y", "40", "z", "80"} <= set(texts)
    widths = [float(bar.attrib["width"]) for bar in list(root.iter(f"{SVG}rect"))[1:5]]
    assert widths[1] == pytest.approx(widths[0] / 3, abs=0.1)
    assert sum(widths[2:]) == pytest.approx(2 * sum(widths[:2]), abs=0.2)
    inside = [float(text.attrib["x"]) for text in root.iter(f"{SVG}text")]
    assert max(inside) < float(root.attrib["width"])


def test_every_label_has_room_in_a_chart() -> None:
    """A bold letter of 13 pixels is about 7.4 wide."""
    assert max(len(entry.title) for entry in CATALOGUE) * 7.4 < LABELS - 8


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    assert ElementTree.fromstring(bar_chart("empty", [])).tag == f"{SVG}svg"
    assert ElementTree.fromstring(bar_chart("zero", [Bar("z", 0, 0)])).tag == f"{SVG}svg"


def test_the_table_is_aligned() -> None:
    table = rst_table(("client", "CPU"), [("ours", "1"), ("somebody", "100")])
    assert table.splitlines() == [
        "========  ===",
        "client    CPU",
        "========  ===",
        "ours      1",
        "somebody  100",
        "========  ===",
    ]


def test_figures_have_three_digits() -> None:
    assert [number(value) for value in (1234.5, 99.96, 12.34, 0.012345)] == [
        "1234", "100", "12.3", "0.0123",
    ]  # fmt: skip


def test_medians_and_ratios() -> None:
    report = a_report()
    (work,) = report.works
    medians = {median.client: median for median in report.medians(work)}
    assert list(medians) == ["obstore", "raw-aiohttp", "ours"]
    assert medians["ours"].cpu * work.count == pytest.approx(0.7)
    assert medians["ours"].cpu_max * work.count == pytest.approx(1.1)
    assert medians["ours"].peak_rss == 41 * MIB
    text = report.to_rst()
    assert "1.75" in next(line for line in text.splitlines() if line.startswith("this client "))
    assert "aiohttp 3.14" in text
    assert "* ``opendal``: ``no wheel``" in text
    assert BY_NAME["ours"].note in text
    assert BY_NAME["curl"].note not in text


def test_targets_are_met_missed_or_not_measured() -> None:
    figures = {
        ("a", "ours", "cpu"): 2.0, ("a", "x", "cpu"): 4.0, ("a", "y", "cpu"): 3.0,
        ("a", "ours", "peak_rss"): 70.0, ("first", "x", "peak_rss"): 40.0,
    }  # fmt: skip
    targets = [
        Target("met", ("a",), "ours", ("x", "y"), 0.7),
        Target("missed", ("a", "b"), "ours", ("x", "y"), 0.6),
        Target("memory", ("a",), "ours", ("x",), 1.0, "peak_rss", "first", 30.0),
    ]
    found = outcomes(lambda *name: figures.get(name), targets)
    assert [(outcome.verdict, outcome.peer) for outcome in found] == [
        ("met", "y"), ("missed", "y"), ("not measured", "x, y"), ("met", "x"),
    ]  # fmt: skip
    assert [outcome.ratio for outcome in found] == [pytest.approx(2 / 3)] * 2 + [None, 1.0]


def test_a_report_is_written_and_read_again(tmp_path: Path) -> None:
    report, folder = a_report(), tmp_path / "made"
    report.write(folder)
    assert {path.name for path in folder.iterdir()} == {
        "results.json", "tables.txt", "get-1k.svg",
    }  # fmt: skip
    text = (folder / "results.json").read_text(encoding="utf-8")
    assert Report.from_json(text) == report
    verdicts = {row["target"]: row["verdict"] for row in json.loads(text)["targets"]}
    assert verdicts["import"] == "not measured"
    assert ".. image:: made/get-1k.svg" in (folder / "tables.txt").read_text(encoding="utf-8")
    assert program.main(["--render", str(folder / "results.json"), "--output", str(tmp_path)]) == 0
    assert (tmp_path / "get-1k.svg").read_bytes() == (folder / "get-1k.svg").read_bytes()


# --- what is done


def test_threads_share_the_numbers_and_tell_their_errors() -> None:
    seen: list[int] = []
    Plan(seen.append, count=100, concurrency=4).run_plain()
    assert sorted(seen) == list(range(100))
    with pytest.raises(RuntimeError, match="got 1, expected 2"):
        Plan(lambda _: 1, count=3, concurrency=2, expected=2).run_plain()


async def test_tasks_do_the_same() -> None:
    seen: list[int] = []

    async def call(number: int) -> None:
        seen.append(number)

    await Plan(call, count=100, concurrency=4).run()
    assert sorted(seen) == list(range(100))


def test_missing_environments_have_a_reason(tmp_path: Path) -> None:
    environments = Environments(tmp_path, install=False)
    environments.prepare(["boto3"])
    assert environments.missing == {"boto3": "not installed, and installing was not wanted"}
    here = Environments(tmp_path, only=Path(sys.executable))
    here.prepare(["main", "upstream"])
    assert here.python("main") == Path(sys.executable)
    assert here.missing == {"upstream": "it needs packages of its own"}
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "main").mkdir()
    (tmp_path / "main" / "thesis").touch()
    environments = Environments(tmp_path)
    environments.prepare(["main"])
    assert environments.missing["main"].endswith("is there already and no virtual environment")
    assert (tmp_path / "main" / "thesis").exists()


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stub]:
    with Stub(tmp_path_factory.mktemp("stub"), 3 * MIB + 5) as running:
        yield running


def ask(
    stub: Stub, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b""
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", stub.port, timeout=10)
    connection.request(method, f"/bucket{path}", body or None, headers or {})
    answer = connection.getresponse()
    found = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, found


@needs_nginx
def test_the_stub_serves_objects_and_ranges(stub: Stub) -> None:
    status, _, body = ask(stub, "GET", "/object-1k")
    assert (status, len(body)) == (200, KIB)
    status, headers, body = ask(stub, "GET", "/big", {"Range": f"bytes={2 * MIB}-{2 * MIB + 7}"})
    assert (status, body) == (206, (2).to_bytes(8, "little"))
    assert headers["content-range"] == f"bytes {2 * MIB}-{2 * MIB + 7}/{3 * MIB + 5}"
    assert ask(stub, "GET", "/nothing")[0] == 404


@needs_nginx
def test_the_stub_offers_a_checksum_to_a_head_that_asks(stub: Stub) -> None:
    """As at AWS: neither a ranged GET nor a HEAD without the mode tells the object's checksum."""
    offered = {
        "x-amz-checksum-crc32": offer_of(stub.big).value,
        "x-amz-checksum-type": "FULL_OBJECT",
    }

    def told(method: str, path: str, headers: dict[str, str] | None = None) -> dict[str, str]:
        found = ask(stub, method, path, headers)[1]
        return {name: value for name, value in found.items() if "checksum" in name}

    mode = {"x-amz-checksum-mode": "ENABLED"}
    assert told("HEAD", "/big-crc", mode) == offered
    assert told("HEAD", "/big-crc") == {}
    assert told("GET", "/big-crc", {**mode, "Range": "bytes=0-9"}) == {}
    assert told("HEAD", "/big", mode) == {}


@needs_nginx
def test_the_stub_takes_uploads(stub: Stub) -> None:
    status, headers, _ = ask(
        stub, "PUT", "/up?partNumber=1&uploadId=x", {"x-amz-checksum-crc32": "AAAAAA=="}, bytes(MIB)
    )
    assert (status, headers["x-amz-checksum-crc32"]) == (200, "AAAAAA==")
    assert headers["etag"]
    assert ask(stub, "PUT", "/small", body=b"1")[0] == 200
    assert b"<UploadId>upload-1</UploadId>" in ask(stub, "POST", "/up?uploads=")[2]
    assert b"<CompleteMultipartUploadResult" in ask(stub, "POST", "/up?uploadId=x", body=b"<x/>")[2]
    assert ask(stub, "DELETE", "/up?uploadId=x")[0] == 204


@needs_nginx
def test_the_stub_lists_all_keys(stub: Stub) -> None:
    keys: set[str] = set()
    more: str | None = ""
    pages = 0
    while more is not None:
        page = parse_listing(ask(stub, "GET", f"?list-type=2&prefix=list/{more}")[2])
        keys |= {entry.key for entry in page.objects}
        more = f"&continuation-token={page.next_token}" if page.next_token else None
        pages += 1
    assert (len(keys), pages) == (KEYS, PAGES)


@needs_nginx
def test_the_stub_ends_with_its_block(tmp_path: Path) -> None:
    with Stub(tmp_path, MIB) as running:
        assert processes_of(tmp_path)
        port = running.port
    assert processes_of(tmp_path) == []
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection("127.0.0.1", port, timeout=1).request("GET", "/")


def test_free_ports_differ() -> None:
    assert len(set(free_ports(5))) == 5


def processes_of(folder: Path) -> list[str]:
    """The command lines of running processes that name *folder*."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line and path.parent.name != str(os.getpid()):
            found.append(line)
    return found


def compare(*arguments: str) -> list[str]:
    return [
        sys.executable, "-m", "benchmarks.compare", "--this-python", "--server-processor", "",
        "--client-processor", "", *arguments,
    ]  # fmt: skip


@needs_nginx
@pytest.mark.timeout(180)
def test_two_clients_from_end_to_end(tmp_path: Path) -> None:
    work, output = tmp_path / "work", tmp_path / "out"
    work.mkdir()
    works = ("get-1k", "put-1k", "download", "upload", "download-crc", "upload-tls", "import")
    done = subprocess.run(
        compare(
            "--clients", "raw-aiohttp,ours,upstream", "--works", ",".join(works), "--rounds", "1",
            "--big", "9", "--effort", "0.002", "--folder", str(work), "--output", str(output),
        ),
        capture_output=True, text=True, timeout=150, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = Report.from_json((output / "results.json").read_text(encoding="utf-8"))
    assert report.results.failed == {}
    assert list(report.results.skipped) == ["upstream"]
    measured = {(run.work, run.client) for run in report.results.runs}
    assert measured == {(work, client) for work in works for client in ("raw-aiohttp", "ours")}
    assert all(run.peak_rss > MIB and run.wall > 0 for run in report.results.runs)
    assert "upstream" in done.stdout
    assert list(work.iterdir()) == []
    assert processes_of(work) == []


@needs_nginx
@pytest.mark.timeout(120)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    arguments = ("--clients", "raw-aiohttp", "--works", "get-1k", "--effort", "100", "--big", "1")
    with subprocess.Popen(
        compare(*arguments, "--folder", str(tmp_path)),
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=ROOT,
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 60
        while not any("-m clients" in line for line in processes_of(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(20) == 130
    assert "nothing is left running" in said
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux")
@pytest.mark.timeout(60)
def test_a_signal_while_a_process_starts_leaves_none(tmp_path: Path) -> None:
    """Each process stops its parent as soon as it runs: some before it is known to have started."""
    started = [sys.executable, "-c", "import time; time.sleep(50)", str(tmp_path)]
    script = f"kill -INT $PPID; exec {shlex.join(started)}"
    for _ in range(40):
        with (
            pytest.raises(KeyboardInterrupt),
            _group(["sh", "-c", script], tmp_path, dict(os.environ)) as process,
        ):
            process.communicate(timeout=30)
        assert processes_of(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux")
def test_what_is_missing_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.compare", "--quick"],
        env={"PATH": str(tmp_path)}, capture_output=True, text=True, cwd=ROOT, timeout=30,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "needed and not found: nginx, openssl, taskset" in done.stderr
    assert "apt-get install nginx-light libnginx-mod-http-lua" in done.stderr


# --- the programs about one part each


def tiny_run(program: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{program}", *arguments],
        capture_output=True, text=True, timeout=100, cwd=ROOT, check=False,
    )  # fmt: skip
    # Status 1 says that a target was missed, which a run of this size cannot tell.
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


@pytest.mark.timeout(120)
def test_operations_are_measured_beside_plain_requests() -> None:
    said = tiny_run("operations", "--requests", "32", "--rounds", "1", "--loads", "1")
    assert re.search(r"model, ms: first use [0-9.]+ .*, then [0-9.]+", said)
    for name in ("HeadObject", "PutObject 1 KiB"):
        assert re.search(rf"{name}, us of CPU: client.request [0-9]+, client.api [0-9]+, ", said)


def test_checksums_are_measured_by_what_is_installed() -> None:
    said = tiny_run("checksums", "--seconds", "0.001", "--runs", "1", "--only", "CRC64NVME")
    for package, figures in (("anycrc", r" +[0-9.]+" * 5), ("this package's Python", "")):
        assert re.search(rf"^CRC64NVME [ *] {package}{figures} ", said, re.MULTILINE)
    awscrt = "[0-9.]+" if importlib.util.find_spec("awscrt") else "not installed, skipped"
    assert re.search(rf"^CRC64NVME [ *] awscrt +{awscrt}", said, re.MULTILINE)
    serving = re.findall(r"^CRC64NVME \* (\w+)", said, re.MULTILINE)
    assert serving == [crc.backend(crc.CRC64NVME).name]


@pytest.mark.timeout(120)
def test_every_client_lists_all_keys() -> None:
    """It ends with an error when one of them finds another number of keys."""
    said = tiny_run("many_keys", "--pages", "3", "--rounds", "1")
    assert "listing 3000 keys" in said
    for way in ("client.list_objects_v2", "client.api.paginate", "boto3"):
        assert re.search(rf"^{way} +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$", said, re.MULTILINE)


def test_the_pages_to_be_listed_hold_different_keys() -> None:
    made = many_keys.pages(3)
    read = [parse_listing(each.partition(b"\r\n\r\n")[2]) for each in made]
    assert len({found.key for each in read for found in each.objects}) == 3 * PAGE
    assert [each.next_token for each in read] == ["1", "2", None]
    for index, each in enumerate(made):
        token = f"&continuation-token={index}" if index else ""
        line = f"GET /bucket?list-type=2{token} HTTP/1.1".encode()
        assert many_keys.answer(made, line) is each


@needs_nginx
async def test_what_is_measured_as_verified_is_verified(tmp_path: Path) -> None:
    """The work ``download-crc`` means what its title says: other bytes are noticed."""
    served = tmp_path / "served"
    served.mkdir()
    with Stub(served, 9 * MIB) as running:
        url = f"http://127.0.0.1:{running.port}"
        async with S3Client(url=url, access_key_id="key", secret_access_key="secret") as client:
            await client.get_file_parallel("bucket/big-crc", tmp_path / "copy")
            with running.big.open("r+b") as big:
                big.seek(5 * MIB)
                big.write(b"other")
            with pytest.raises(ChecksumMismatch):
                await client.get_file_parallel("bucket/big-crc", tmp_path / "copy")
