"""Requests against the vendors' own machine-readable contracts, when these lie beside the project."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
import referencing.jsonschema

from pipeline import model
from pipeline.esps import _registry

CONTRACTS = Path(__file__).parents[2] / "shared" / "contracts"
BASE_URL = "https://api.example.org"
KEY = "SG.a-key-that-opens-nothing"
LINK = "[[unsubscribe_url]]"
MESSAGE = model.Message(
    "2026-12", "Neues «zum Jahr»", f"<p>{LINK}</p>", LINK, "digest@example.org", "Care", "l.example.org"
)


def batch_for(count: int) -> model.Batch:
    readers = (model.Recipient(n, f"reader{n}@example.net", f"https://example.org/u/{n}") for n in range(count))
    return model.Batch("0f3a", MESSAGE, tuple(readers))


SCHEMAS = {
    "sendgrid": [
        (
            "request",
            "sendgrid.tsg_mail_v3.json",
            "/components/requestBodies/PostMailSend/content/application~1json/schema",
        ),
        ("lookup", "sendgrid.tsg_logs_v3.json", "/components/schemas/EmailLogsGetMessagesByFilterRequest"),
    ],
    "resend": [
        ("request", "resend.json", "/paths/~1emails~1batch/post/requestBody/content/application~1json/schema"),
    ],
}
PLACES = {"request": {"sendgrid": "/v3/mail/send", "resend": "/emails/batch"}, "lookup": {"sendgrid": "/v3/logs"}}


def mended(contract: dict[str, Any], name: str) -> dict[str, Any]:
    """Undo the contract's known slip: top-level custom_args is an object in practice, as in its own examples."""
    if name == "sendgrid.tsg_mail_v3.json":
        contract = copy.deepcopy(contract)
        content = contract["components"]["requestBodies"]["PostMailSend"]["content"]["application/json"]
        content["schema"]["properties"]["custom_args"]["type"] = "object"
    return contract


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("name", _registry.names())
def test_requests_keep_to_the_vendors_contract(name: str, count: int) -> None:
    if not CONTRACTS.is_dir():
        pytest.skip("the vendors' contracts are not beside this project")
    if name not in SCHEMAS:
        pytest.skip(f"no contract is known for {name}")
    service, batch = _registry.get(name), batch_for(count)
    for function, file, pointer in SCHEMAS[name]:
        contract = mended(json.loads((CONTRACTS / file).read_text()), file)
        assert PLACES[function][name] in contract["paths"]
        resource = referencing.jsonschema.DRAFT202012.create_resource(contract)
        registry = referencing.Registry().with_resource("urn:contract", resource)
        request = getattr(service, function)(batch, BASE_URL, KEY)
        assert request.url == BASE_URL + PLACES[function][name]
        schema = {"$ref": f"urn:contract#{pointer}"}
        jsonschema.Draft202012Validator(schema, registry=registry).validate(json.loads(request.body))
