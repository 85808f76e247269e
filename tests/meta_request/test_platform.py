"""The machine: DMI first, the metadata service only then, and never in the way of a loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from aiohttp_s3_client.meta_request import platform
from aiohttp_s3_client.meta_request.platform import (
    Machine,
    get_ec2_instance_type,
    get_ec2_instance_type_async,
    get_optimized_platforms,
    get_recommended_throughput_target_gbps,
    is_optimized_for_system,
)
from tests.servers.scripted import ScriptedServer
from tests.servers.steps import Step, reply, stall

Service = Callable[..., Awaitable[ScriptedServer]]

ENDPOINT = "AWS_EC2_METADATA_SERVICE_ENDPOINT"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
    monkeypatch.setenv(ENDPOINT, NOWHERE)


@pytest.fixture
def service(
    scripted: Callable[..., Awaitable[ScriptedServer]], monkeypatch: pytest.MonkeyPatch
) -> Service:
    """A metadata service that plays these steps."""

    async def start(*steps: Step) -> ScriptedServer:
        server = await scripted(*steps)
        monkeypatch.setenv(ENDPOINT, server.url)
        return server

    return start


@pytest.fixture
def dmi(tmp_path: Path) -> Path:
    """What an instance says that does not tell its type."""
    return say(tmp_path, "Amazon EC2", "HVM domU")


def say(dmi: Path, vendor: str, product: str) -> Path:
    (dmi / "sys_vendor").write_text(f"{vendor}\n")
    (dmi / "product_name").write_text(f"{product}\n")
    return dmi


class TestDmi:
    @pytest.mark.parametrize("vendor", ["Amazon EC2", "amazon ec2"])
    def test_tells_the_type(self, dmi: Path, vendor: str) -> None:
        assert Machine(say(dmi, vendor, "p5.48xlarge")).wait_for_type() == "p5.48xlarge"

    async def test_tells_the_type_in_a_loop(self, dmi: Path) -> None:
        assert await Machine(say(dmi, "Amazon EC2", "u7i-6tb.112xlarge")).find_type() == (
            "u7i-6tb.112xlarge"
        )

    @pytest.mark.parametrize("vendor", ["QEMU", "Xen", ""])
    async def test_of_another_machine(
        self, dmi: Path, vendor: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The service is not asked: nobody would answer, or somebody else."""
        machine = Machine(say(dmi, vendor, "c5.large"))
        assert await machine.find_type() is None
        assert machine.wait_for_type() is None
        assert caplog.messages == []

    async def test_of_no_machine(self, tmp_path: Path) -> None:
        assert await Machine(tmp_path / "missing").find_type() is None

    async def test_is_read_once(self, dmi: Path) -> None:
        machine = Machine(say(dmi, "Amazon EC2", "c5.large"))
        assert await machine.find_type() == "c5.large"
        say(dmi, "QEMU", "another")
        assert await machine.find_type() == machine.wait_for_type() == "c5.large"


class TestService:
    async def test_is_asked_where_dmi_does_not_tell(self, dmi: Path, service: Service) -> None:
        server = await service(reply(200, body="t0ken"), reply(200, body="t2.micro"))
        machine = Machine(dmi)
        assert await machine.find_type() == "t2.micro"
        put, get = server.requests
        assert (put.method, put.target) == ("PUT", "/latest/api/token")
        assert (get.method, get.target) == ("GET", "/latest/meta-data/instance-type")
        assert get.header("x-aws-ec2-metadata-token") == "t0ken"
        assert await machine.find_type() == machine.wait_for_type() == "t2.micro"
        assert len(server.requests) == 2

    async def test_failure_is_asked_again(
        self, dmi: Path, service: Service, caplog: pytest.LogCaptureFixture
    ) -> None:
        await service(
            reply(200, body="t0ken"),
            reply(404),
            reply(200, body="t0ken"),
            reply(200, body="<html>"),
            reply(200, body="t0ken"),
            reply(200, body="t3.nano"),
        )
        machine = Machine(dmi)
        assert await machine.find_type() is None
        assert "instance-type with status 404" in caplog.text
        assert await machine.find_type() is None
        assert "no type of an instance" in caplog.text
        assert await machine.find_type() == "t3.nano"

    async def test_is_waited_for_a_second(self, dmi: Path, service: Service) -> None:
        await service(reply(200, body="t0ken"), *[stall()] * 3)
        begun = time.monotonic()
        assert await Machine(dmi).find_type() is None
        assert 0.9 < time.monotonic() - begun < 2

    async def test_switched_off(
        self, dmi: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        assert await Machine(dmi).find_type() is None
        assert "AWS_EC2_METADATA_DISABLED" in caplog.text

    async def test_waiting_can_be_cancelled(self, dmi: Path, service: Service) -> None:
        server = await service(stall())
        task = asyncio.create_task(Machine(dmi).find_type())
        await server.wait_for(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


class TestWithoutALoop:
    async def test_service_is_asked(self, dmi: Path, service: Service) -> None:
        """From a thread in which none runs; and the loop of a thread is left alone."""
        await service(reply(200, body="t0ken"), reply(200, body="t2.micro"))

        def ask() -> str | None:
            asyncio.set_event_loop(loop := asyncio.new_event_loop())
            try:
                found = Machine(dmi).wait_for_type()
                assert asyncio.get_event_loop() is loop
            finally:
                loop.close()
            return found

        assert await asyncio.to_thread(ask) == "t2.micro"
        assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPool")]

    async def test_a_running_loop_is_never_held_up(self, dmi: Path) -> None:
        machine = Machine(say(dmi, "Amazon EC2", "c5.large"))
        with pytest.raises(RuntimeError, match=r"await get_ec2_instance_type_async\(\)"):
            machine.wait_for_type()
        assert await machine.find_type() == "c5.large"
        assert machine.wait_for_type() == "c5.large"


class TestFunctions:
    @pytest.fixture
    def be(self, dmi: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
        """This machine becomes an instance of a type."""

        def be(kind: str) -> None:
            monkeypatch.setattr(platform, "machine", Machine(say(dmi, "Amazon EC2", kind)))

        return be

    @pytest.mark.parametrize(
        ("kind", "optimized", "gbps"),
        [
            ("p5.48xlarge", True, 400),
            ("trn1n.32xlarge", True, 800),
            ("p6-b300.48xlarge", True, 350),
            ("c5n.18xlarge", False, 100),
            ("t3.nano", False, None),
        ],
    )
    def test_of_an_instance(
        self, be: Callable[[str], None], kind: str, optimized: bool, gbps: float | None
    ) -> None:
        be(kind)
        assert get_ec2_instance_type() == kind
        assert is_optimized_for_system() is optimized
        assert get_recommended_throughput_target_gbps() == gbps

    async def test_in_a_loop(self, be: Callable[[str], None]) -> None:
        be("p4d.24xlarge")
        for ask in (
            get_ec2_instance_type,
            is_optimized_for_system,
            get_recommended_throughput_target_gbps,
        ):
            with pytest.raises(RuntimeError, match=r"await get_ec2_instance_type_async\(\)"):
                ask()
        assert await get_ec2_instance_type_async() == "p4d.24xlarge"
        assert get_ec2_instance_type() == "p4d.24xlarge"
        assert is_optimized_for_system()
        assert get_recommended_throughput_target_gbps() == 400

    def test_of_no_instance(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(platform, "machine", Machine(tmp_path))
        assert get_ec2_instance_type() is None
        assert is_optimized_for_system() is False
        assert get_recommended_throughput_target_gbps() is None

    def test_optimized_platforms(self) -> None:
        """Those of awscrt 0.38."""
        assert sorted(get_optimized_platforms()) == [
            "p4d.24xlarge",
            "p4de.24xlarge",
            "p5.48xlarge",
            "p5e.48xlarge",
            "p5en.48xlarge",
            "p6-b200.48xlarge",
            "p6-b300.48xlarge",
            "trn1.32xlarge",
            "trn1n.32xlarge",
        ]
        get_optimized_platforms().clear()
        assert get_optimized_platforms()
