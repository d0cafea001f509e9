"""Stored files, connection settings and SQL on the wire."""

import io

import pytest


def test_a_file_is_loaded_whole_or_as_a_stream(wmill, server):
    server.on("GET", "job_helpers/download_s3_file", text="hello")
    assert wmill.load_s3_file("s3://cold/a/b.txt", "u/ada/s3") == b"hello"
    assert server.last.query == {"file_key": "a/b.txt", "storage": "cold", "s3_resource_path": "u/ada/s3"}
    with wmill.load_s3_file_reader(wmill.S3Object(s3="x")) as reader:
        assert (reader.peek(2)[:2], reader.read(2), reader.read()) == (b"he", b"he", b"llo")


def test_a_missing_file_is_not_found(wmill):
    with pytest.raises(wmill.NotFound):
        wmill.load_s3_file("s3:///none")


@pytest.mark.parametrize("content", [b"x" * 200_000, io.BytesIO(b"x" * 200_000)], ids=["bytes", "file"])
def test_a_file_is_written(wmill, server, content):
    server.on("POST", "job_helpers/upload_s3_file", {"file_key": "k"})
    stored = wmill.write_s3_file("s3://cold/k", content, content_type="text/plain")
    assert (stored, stored.s3) == ({"s3": "k", "storage": "cold"}, "k")
    assert server.last.body == b"x" * 200_000
    assert server.last.headers["Content-Type"] == "application/octet-stream"
    assert server.last.query == {"file_key": "k", "storage": "cold", "content_type": "text/plain"}


def test_the_server_picks_the_key_of_a_file_without_one(wmill, server):
    server.on("POST", "job_helpers/upload_s3_file", {"file_key": "picked"})
    assert wmill.write_s3_file(None, b"x") == {"s3": "picked", "storage": None}
    assert server.last.query == {}


def test_a_file_is_deleted(wmill, server):
    server.on("DELETE", "job_helpers/delete_s3_file")
    wmill.delete_s3_object("s3:///k")
    assert server.last.query == {"file_key": "k"}


@pytest.mark.parametrize("text", ["key", "s3://", "s3://bucket", "s3://bucket/"])
def test_a_text_that_is_no_s3_address_is_refused(wmill, text):
    with pytest.raises(ValueError, match="s3://"):
        wmill.parse_s3_object(text)


def test_only_unsigned_objects_are_signed_for_public_links(wmill, server):
    server.on("POST", "apps/sign_s3_objects", [{"s3": "b c", "presigned": "sig=2"}])
    signed = wmill.S3Object(s3="a", storage="cold", presigned="sig=1")
    assert wmill.get_presigned_s3_public_urls([signed, "s3:///b c"], "http://pub", 60) == [
        "http://pub/api/w/demo/s3_proxy/cold/a?sig=1",
        "http://pub/api/w/demo/s3_proxy/_default_/b%20c?sig=2",
    ]
    assert server.last.json == {"s3_objects": [{"s3": "b c", "storage": None}], "expiry_secs": 60}


def test_connection_settings_are_asked_for_the_resource(wmill, server):
    server.on("POST", "job_helpers/v2/duckdb_connection_settings", {"connection_settings_str": "SET x;"})
    server.on("POST", "job_helpers/v2/polars_connection_settings", {"s3fs_args": {}, "storage_options": {}})
    duckdb = wmill.duckdb_connection_settings("$res:u/ada/s3")
    assert (duckdb.connection_settings_str, duckdb.s3_bucket) == ("SET x;", None)
    assert server.last.json == {"s3_resource_path": "u/ada/s3"}
    assert wmill.polars_connection_settings().s3fs_args == {}
    assert server.last.json == {}


def test_boto3_settings_are_spelt_as_boto3_wants_them(wmill, server):
    info = {"endPoint": "h", "port": 9000, "useSSL": False, "region": "r", "accessKey": "a", "secretKey": "s"}
    server.on("POST", "job_helpers/v2/s3_resource_info", info)
    assert wmill.boto3_connection_settings() == {
        "endpoint_url": "http://h:9000",
        "region_name": "r",
        "use_ssl": False,
        "aws_access_key_id": "a",
        "aws_secret_access_key": "s",
    }


def test_a_data_table_query_declares_its_arguments_after_the_role(wmill, server):
    server.on("POST", "jobs/run_inline/preview", 1)
    assert wmill.datatable("main:shop", role="reader").query("select $1, $2", 5, True).fetch_one_scalar() == 1
    assert server.last.json["content"].splitlines() == [
        "-- result_collection=last_statement_first_row_scalar",
        "-- role reader",
        "-- $1 arg1 (BIGINT)",
        "-- $2 arg2 (BOOLEAN)",
        'SET search_path TO "shop";',
        "select $1, $2",
    ]
    assert server.last.json["args"] == {"database": "datatable://main", "arg1": 5, "arg2": True}


def test_a_role_name_cannot_carry_sql(wmill):
    with pytest.raises(ValueError, match="role"):
        wmill.datatable(role="x\nselect 1")


def test_a_ducklake_partition_is_replaced_in_one_transaction(wmill, server):
    server.on("POST", "jobs/run_inline/preview", None)
    wmill.ducklake("lake").upsert_partition("sales", "select 1 as n", "2026-01-01").execute()
    lines = server.last.json["content"].splitlines()
    assert lines[1:3] == ["-- $_wm_partition (TEXT)", "ATTACH 'ducklake://lake' AS dl;USE dl;"]
    assert lines[-4:] == [
        "BEGIN TRANSACTION;",
        "DELETE FROM dl.sales WHERE _wm_partition = $_wm_partition;",
        "INSERT INTO dl.sales SELECT *, $_wm_partition AS _wm_partition FROM (select 1 as n);",
        "COMMIT;",
    ]
    assert server.last.json["args"] == {"_wm_partition": "2026-01-01"}


def test_streamed_pieces_are_single_lines(wmill, capsys):
    wmill.stream_result(["a\nb", "c"])
    assert capsys.readouterr().out == "WM_STREAM: a\\nb\nWM_STREAM: c\n"


def test_shared_state_crosses_files(wmill, monkeypatch, tmp_path):
    monkeypatch.setattr(wmill.shared_state, "SHARED_FOLDER", tmp_path)
    wmill.set_shared_state({"a": "é"})
    wmill.set_shared_state_pickle({1, 2})
    assert (wmill.get_shared_state(), wmill.get_shared_state_pickle()) == ({"a": "é"}, {1, 2})
