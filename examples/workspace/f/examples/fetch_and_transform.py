import json
from datetime import UTC, datetime, timedelta
from typing import Literal, Optional

import pandas as pd
import requests
import wmill

CREDENTIALS = "f/examples/api_credentials"


def main(
    api_endpoint: Optional[str] = None,
    date_range_days: int = 7,
    include_metadata: bool = True,
    output_format: Literal["json", "csv", "parquet"] = "json",
    filters: Optional[dict] = None,
):
    """Fetch records of the last days, enrich them and summarise them.

    Args:
        api_endpoint: Address that answers GET /data with {"records": [...]}; left empty, the one of the resource
            f/examples/api_credentials is used, and without that sample records are
        date_range_days: How many days back
        include_metadata: Return the summary beside the data
        output_format: json and parquet return records, csv a text
        filters: More query parameters for the endpoint
    """
    end = datetime.now(UTC)
    start = end - timedelta(days=date_range_days)
    credentials = wmill.get_resource(CREDENTIALS)
    endpoint = api_endpoint or credentials["base_url"]
    records = fetch(endpoint, credentials["api_key"], start, end, filters) if endpoint else sample(start, date_range_days)
    print(f"{len(records)} records from {endpoint or 'the sample'}")

    frame = transform(pd.DataFrame(records))
    data = frame.to_csv(index=False) if output_format == "csv" else plain(frame)
    if not include_metadata:
        return data
    return {
        "data": data,
        "metadata": {
            "total_records": len(frame),
            "date_range": {"start": str(start.date()), "end": str(end.date())},
            "statistics": {} if frame.empty else plain(frame.describe(), orient="columns"),
        },
        "format": output_format,
        "generated_at": end.isoformat(),
    }


def fetch(endpoint: str, api_key: str, start: datetime, end: datetime, filters: Optional[dict]) -> list[dict]:
    response = requests.get(
        f"{endpoint}/data",
        headers={"Authorization": f"Bearer {api_key}"},
        params={"start_date": start.isoformat(), "end_date": end.isoformat(), **(filters or {})},
        timeout=30,
    )
    response.raise_for_status()
    return response.json()["records"]


def sample(start: datetime, days: int) -> list[dict]:
    moments = [start + timedelta(hours=12 * half) for half in range(2 * days)]
    return [{"timestamp": at.isoformat(), "value": 10 + 7 * n % 13} for n, at in enumerate(moments)]


def transform(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.copy()
    if "timestamp" in frame:
        moments = pd.to_datetime(frame["timestamp"])
        frame = frame.assign(timestamp=moments, date=moments.dt.date.astype(str), hour=moments.dt.hour)
    if "value" in frame:
        spread = frame["value"].max() - frame["value"].min()
        frame["value_normalized"] = (frame["value"] - frame["value"].min()) / spread if spread else 0.0
    return frame


def plain(frame: pd.DataFrame, orient: Literal["records", "columns"] = "records"):
    # Through JSON, because a frame holds timestamps and NaN that JSON has no word for.
    return json.loads(frame.to_json(orient=orient, date_format="iso"))
