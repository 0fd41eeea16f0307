"""Microsoft's own samples: each is read, or refused for a reason we can name.

The samples are read from ``HYBRIDGE_CORPUS``; without it these tests are skipped. Many print ``https://`` where the
wire has ``http://``: those must be refused as they are, and must be read once that mistake is taken out.
"""

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hybridge.wire.ask import Failure, HttpAnswer
from hybridge.wire.ews import (
    add_delegate,
    convert_id,
    get_delegate,
    get_folder,
    get_user_availability,
    get_user_oof_settings,
    remove_delegate,
    resolve_names,
    update_delegate,
)
from hybridge.wire.ews.envelope import EwsFault, RequestRefused, read_body, read_request
from hybridge.wire.xml import Element

CORPUS = os.environ.get("HYBRIDGE_CORPUS", "")
pytestmark = pytest.mark.skipif(not CORPUS, reason="HYBRIDGE_CORPUS does not name the folder of foreign messages")

REQUESTS: dict[str, Callable[[Element], Any]] = {
    "AddDelegate": add_delegate.read_request,
    "ConvertId": convert_id.read_request,
    "GetDelegate": get_delegate.read_request,
    "GetFolder": get_folder.read_request,
    "GetUserAvailability": get_user_availability.read_request,
    "GetUserOofSettings": get_user_oof_settings.read_request,
    "RemoveDelegate": remove_delegate.read_request,
    "ResolveNames": resolve_names.read_request,
    "UpdateDelegate": update_delegate.read_request,
}
RESPONSES: dict[str, Callable[[Element], Any]] = {
    "AddDelegate": add_delegate.read_response,
    "GetDelegate": get_delegate.read_response,
    "GetFolder": get_folder.read_response,
    "GetUserAvailability": get_user_availability.read_response,
    "GetUserOofSettings": get_user_oof_settings.read_response,
    "RemoveDelegate": remove_delegate.read_response,
    "ResolveNames": resolve_names.read_response,
    "UpdateDelegate": update_delegate.read_response,
}
WRONG_SOAP = "The SOAP namespace is 'https://schemas.xmlsoap.org/soap/envelope/'"
WRONG_CHILD = (
    "'MailboxData' has an unexpected child '{http://schemas.microsoft.com/exchange/services/2006/types}Exclude"
)


class Sample(NamedTuple):
    """One line of the index."""

    file: str
    kind: str
    operation: str
    valid: str
    note: str

    @property
    def body(self) -> bytes:
        return (Path(CORPUS) / "ews" / self.file).read_bytes()


def samples() -> list[Sample]:
    if not CORPUS:
        return []
    with (Path(CORPUS) / "ews" / "INDEX.tsv").open(encoding="utf-8", newline="") as index:
        rows = [row for row in csv.DictReader(index, delimiter="\t") if row["well_formed"] == "yes"]
    names = ("file", "kind", "operation", "xsd_valid", "note")
    return [Sample(*(row[name] for name in names)) for row in rows]


SAMPLES = samples()
OURS = [
    sample
    for sample in SAMPLES
    if (sample.kind == "request" and sample.operation in REQUESTS)
    or (sample.kind == "response" and sample.operation in RESPONSES)
]


def read(sample: Sample, body: bytes) -> Any:
    """What our half makes of ``body``: a request, a response, a fault, a failure, or the refusal as an EwsFault."""
    if sample.kind == "response":
        opened = read_body(HttpAnswer(status=200, body=body))
        return opened if isinstance(opened, EwsFault | Failure) else RESPONSES[sample.operation](opened)
    try:
        incoming = read_request(body)
        assert incoming.operation == sample.operation
        return REQUESTS[sample.operation](incoming.child)
    except RequestRefused as refused:
        return refused.fault


def reason(outcome: Any) -> str:
    """Why it was refused, "" when it was read."""
    if isinstance(outcome, EwsFault):
        assert outcome.code == "ErrorSchemaValidation"
        return outcome.message
    return outcome.says if isinstance(outcome, Failure) else ""


def expected(sample: Sample) -> str:
    if "https-soap-namespace" in sample.note:
        return WRONG_SOAP
    return WRONG_CHILD if "ExcludeNonWorkingHours" in sample.note else ""


@pytest.mark.parametrize("sample", OURS, ids=lambda sample: sample.file.removeprefix("docs/"))
def test_sample_is_read_or_refused_for_the_named_reason(sample: Sample) -> None:
    said = reason(read(sample, sample.body))
    assert bool(said) == bool(expected(sample))
    assert expected(sample) in said


@pytest.mark.parametrize(
    "sample", [sample for sample in OURS if expected(sample) == WRONG_SOAP], ids=lambda sample: sample.file
)
def test_sample_is_read_without_its_mistake(sample: Sample) -> None:
    mended = sample.body.replace(b"https://schemas.", b"http://schemas.").replace(b"https://www.w3", b"http://www.w3")
    assert reason(read(sample, mended)) == ""


def test_the_fault_sample_is_a_fault() -> None:
    faults = [sample for sample in SAMPLES if sample.operation == "Fault"]
    assert faults
    for sample in faults:
        opened = read_body(HttpAnswer(status=500, body=sample.body))
        assert isinstance(opened, EwsFault) or "https://" in reason(opened)


def test_something_of_every_operation_is_there() -> None:
    assert {sample.operation for sample in OURS if not expected(sample)} == REQUESTS.keys() | RESPONSES.keys()
    assert sum(expected(sample) == WRONG_SOAP for sample in OURS) > 10


def test_no_sample_of_any_operation_stops_the_envelope() -> None:
    for sample in SAMPLES:
        opened = read_body(HttpAnswer(status=200, body=sample.body))
        if isinstance(opened, Failure):
            assert opened.says.endswith(".")
        try:
            assert read_request(sample.body).operation
        except RequestRefused as refused:
            assert refused.fault.message
