"""Calls that are wrong: both checkers have to report every marked line, and no other one.

A marker names one of the kinds of errors that ``test_samples.py`` lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp_s3_client import S3Client
from aiohttp_s3_client.api import Api

if TYPE_CHECKING:
    from aiohttp_s3_client.api import PutObjectRequest


async def of_a_client(client: S3Client) -> None:
    await client.api.head_bucket(Name="b")  # wrong: argument
    (await client.api.list_buckets())["Bucket"].clear()  # wrong: key
    client.api = Api  # wrong: use


async def names(api: Api) -> None:
    await api.put_object(Bucket="b", Key="k", Bodi=b"")  # wrong: argument
    await api.put_object(bucket="b", Key="k")  # wrong: argument
    await api.list_buckets(Bucket="b")  # wrong: argument
    await api.put_objects(Bucket="b", Key="k")  # wrong: attribute
    await api.put_object("b", "k")  # wrong: argument


async def missing(api: Api) -> None:
    await api.put_object(Bucket="b", Body=b"")  # wrong: argument
    await api.head_bucket()  # wrong: argument
    await api.put_bucket_cors(Bucket="b")  # wrong: argument
    await api.upload_part(Bucket="b", Key="k", UploadId="u")  # wrong: argument
    await api.put_object_annotation(Bucket="b", Key="k")  # wrong: argument


async def types(api: Api) -> None:
    await api.put_object(Bucket=1, Key="k")  # wrong: type
    await api.put_object(Bucket="b", Key=None)  # wrong: type
    await api.put_object(Bucket="b", Key="k", Body=5)  # wrong: type
    await api.put_object(Bucket="b", Key="k", Metadata={"a": 1})  # wrong: member
    await api.list_objects_v2(Bucket="b", MaxKeys="9")  # wrong: type
    await api.get_object(Bucket="b", Key="k", IfModifiedSince=b"")  # wrong: type
    await api.copy_object(Bucket="b", Key="k", CopySource=["b", "k"])  # wrong: type
    await api.delete_objects(Bucket="b", Delete=["k"])  # wrong: type
    await api.put_bucket_policy(Bucket="b", Policy={})  # wrong: type


async def words(api: Api, word: str) -> None:
    await api.put_object(Bucket="b", Key="k", ACL="privat")  # wrong: type
    await api.put_object(Bucket="b", Key="k", ACL=word)  # wrong: type
    await api.put_object(Bucket="b", Key="k", StorageClass="COLD")  # wrong: type
    await api.get_object_attributes(
        Bucket="b",
        Key="k",
        ObjectAttributes=["Size"],  # wrong: member
    )
    await api.put_bucket_versioning(
        Bucket="b",
        VersioningConfiguration={"Status": "enabled"},  # wrong: member
    )


async def nested(api: Api) -> None:
    await api.put_bucket_cors(
        Bucket="b",
        CORSConfiguration={"Rules": []},  # wrong: member
    )
    await api.put_bucket_cors(
        Bucket="b",
        CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"]}]},  # wrong: member
    )
    await api.put_bucket_website(
        Bucket="b",
        WebsiteConfiguration={"IndexDocument": {"Suffix": 1}},  # wrong: member
    )
    await api.delete_objects(
        Bucket="b",
        Delete={"Objects": [{"Name": "k"}]},  # wrong: member
    )
    await api.put_object_tagging(
        Bucket="b",
        Key="k",
        Tagging={"TagSet": {"a": "b"}},  # wrong: member
    )
    await api.put_bucket_notification_configuration(
        Bucket="b",
        NotificationConfiguration={"TopicConfigurations": [{"TopicArn": "a"}]},  # wrong: member
    )
    await api.copy_object(
        Bucket="b",
        Key="k",
        CopySource={"Bucket": "b"},  # wrong: member
    )


async def a_string_is_no_list(api: Api) -> None:
    await api.get_object_attributes(Bucket="b", Key="k", ObjectAttributes="ETag")  # wrong: type
    await api.put_bucket_cors(
        Bucket="b",
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedMethods": "GET",  # wrong: member
                    "AllowedOrigins": ["*"],
                }
            ]
        },
    )


async def results(api: Api) -> None:
    put = await api.put_object(Bucket="b", Key="k")
    print(put["Etag"])  # wrong: key
    print(put["Body"])  # wrong: key
    print(put.etag)  # wrong: attribute
    print(put["ETag"] + 1)  # wrong: use
    print(put["ResponseMetadata"]["Status"])  # wrong: key
    got = await api.get_object(Bucket="b", Key="k")
    got["Body"].decode()  # wrong: attribute
    size: str = got["ContentLength"]  # wrong: use
    api.head_object(Bucket="b", Key="k")["ETag"]  # wrong: use
    done = await api.delete_bucket(Bucket="b")
    print(done["RequestCharged"])  # wrong: key
    print(size)


async def pages(api: Api) -> None:
    api.paginate("list_everything", Bucket="b")  # wrong: overload
    api.paginate("put_object", Bucket="b", Key="k")  # wrong: overload
    api.paginate("list_objects_v2")  # wrong: overload
    api.paginate("list_objects_v2", Bucket="b", Prefx="p")  # wrong: overload
    api.paginate("list_buckets", PaginationConfig={"Size": 1})  # wrong: overload
    listing = api.paginate("list_objects_v2", Bucket="b")
    listing.items("Versions")  # wrong: overload
    async for entry in listing.items():
        print(entry["Prefix"])  # wrong: key
        entry["Size"].upper()  # wrong: attribute
    async for page in listing:
        print(page["Versions"])  # wrong: key
    for page in listing:  # wrong: use
        print(page)


async def waiters(api: Api) -> None:
    await api.wait_until("object_exist", Bucket="b", Key="k")  # wrong: overload
    await api.wait_until("object_exists", Bucket="b")  # wrong: overload
    await api.wait_until("bucket_exists", Bucket="b", Key="k")  # wrong: overload
    await api.wait_until("bucket_exists", Bucket="b", WaiterConfig={"delay": 1})  # wrong: overload


def a_dict_of_parameters() -> PutObjectRequest:
    params: PutObjectRequest = {"Bucket": "b"}  # wrong: member
    params["Keys"] = "k"  # wrong: key
    return params
