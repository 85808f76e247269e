"""In the place of the package's own storage: in its plugin, in a real application."""

# Litestar reads the annotations of its handlers: they have to be values for that.
from typing import Annotated, Any

import pytest

from aiohttp_s3_client.storage import S3Storage, StorageError, StoredFile
from tests.behaviour.material import MIB, noise
from tests.servers.running import RunningServer

from .conftest import settings

DATA = noise(2 * MIB)


def application(storage: S3Storage) -> Any:
    """Uploads by a form, downloads, and the names of what there is."""
    from litestar import Litestar, get, post
    from litestar.datastructures import UploadFile
    from litestar.enums import RequestEncodingType
    from litestar.params import Body
    from litestar.response import Stream

    plugin = pytest.importorskip("litestar_storages.contrib.plugin")
    Form = Annotated[dict[str, UploadFile], Body(media_type=RequestEncodingType.MULTI_PART)]

    @post("/files")
    async def upload(data: Form, storage: Any) -> list[StoredFile]:
        """Both ways to hand a file on: the file of the form, and what it wraps."""
        whole, wrapped = data["whole"], data["wrapped"]
        return [
            await storage.put(whole.filename, whole, content_type=whole.content_type),
            await storage.put(wrapped.filename, wrapped.file, metadata={"by": "grün"}),
        ]

    @get("/files/{key:path}")
    async def download(key: str, storage: Any) -> Stream:
        found = await storage.info(key)
        return Stream(storage.get(key), headers={"x-size": str(found.size)})

    @get("/names")
    async def names(storage: Any) -> list[str]:
        return [file.key async for file in storage.list()]

    return Litestar([upload, download, names], plugins=[plugin.StoragePlugin(storage)])


# Its version 2 infers what version 3 wants marked; the package's own examples are written so.
@pytest.mark.filterwarnings(r"ignore:.*[Ii]nferred (dependency|style):DeprecationWarning")
async def test_upload_and_download(embedded: RunningServer, embedded_bucket: str) -> None:
    pytest.importorskip("litestar")
    package = pytest.importorskip("litestar_storages")
    from litestar.testing import AsyncTestClient

    storage = S3Storage(settings(embedded, embedded_bucket, prefix="site"))
    assert isinstance(storage, package.Storage)
    async with AsyncTestClient(application(storage)) as client:
        files = {
            "whole": ("a.html", DATA, "text/x-own"),
            "wrapped": ("b.bin", DATA[:1000], "image/png"),
        }
        answer = await client.post("/files", files=files)
        assert answer.status_code == 201, answer.text
        one, other = answer.json()
        assert (one["key"], one["size"], one["content_type"]) == ("a.html", len(DATA), "text/x-own")
        assert (other["key"], other["size"], other["metadata"]) == ("b.bin", 1000, {"by": "grün"})
        assert sorted((await client.get("/names")).json()) == ["a.html", "b.bin"]
        for name, data in (("a.html", DATA), ("b.bin", DATA[:1000])):
            answer = await client.get(f"/files/{name}")
            assert answer.content == data
            assert answer.headers["x-size"] == str(len(data))
    # The plugin closed it with the application.
    with pytest.raises(StorageError, match="closed"):
        await storage.exists("a.html")
