"""The wire form as a JSON Schema: for clients in other languages, and for tests of ours."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args, get_origin

from rxloom.chunks import ErrorInfo, FinishStatus, Gap, GapData, Source, Usage, WorkflowFinishPayload
from rxloom.wire import KINDS, fields_of, fixed_status
from rxloom.wire_form import Payload, StepPayload

Schema: TypeAlias = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1}
_WHOLE: Schema = {"type": "integer"}
_COUNT: Schema = {"type": "integer", "minimum": 0}


def chunk_json_schema() -> Schema:
    """Describe the wire form of every chunk as a JSON Schema (draft 2020-12).

    There is one definition per type, and the `type` of a chunk says which one applies. Values of users are not
    described: any JSON goes.

    Example:
        >>> schema = chunk_json_schema()
        >>> schema["$defs"]["workflow-start"]["properties"]["payload"]["required"]
        ['workflowId']
    """
    kinds: dict[str, Schema] = {name: _lifecycle(name) for name in KINDS}
    kinds[Gap.type] = _envelope(Gap.type, "WORKFLOW", "data", _payload(GapData)) | {"description": _doc(Gap)}
    names = {name: f"#/$defs/{name}" for name in kinds}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Chunk",
        "type": "object",
        "required": ["type"],
        "oneOf": [{"$ref": ref} for ref in (*names.values(), "#/$defs/data-*")],
        "discriminator": {"propertyName": "type", "mapping": names},
        "$defs": kinds | {"data-*": _custom(), "error": _error(), "usage": _usage()},
    }


def _lifecycle(name: str) -> Schema:
    kind, payload_kind = KINDS[name]
    payload = _finish() if payload_kind is WorkflowFinishPayload else _payload(payload_kind)
    described = {"description": _doc(kind)}
    return described | _envelope(name, kind.source, "payload", payload)


def _envelope(name: str, source: str, body_key: str, body: Schema) -> Schema:
    properties: dict[str, Schema] = {
        "type": {"const": name},
        "runId": _TEXT,
        "from": {"const": source},
        body_key: body,
    }
    if name != Gap.type:
        properties["seq"] = _COUNT
    return _object(properties, ["type", "runId", "from", body_key])


def _payload(kind: type[Payload]) -> Schema:
    properties: dict[str, Schema] = {item.key: _hinted(item.hint) for item in fields_of(kind)}
    required = [item.key for item in fields_of(kind) if item.is_required]
    if (status := fixed_status(kind)) is not None:
        properties["status"] = {"const": status}
        required.append("status")
    if issubclass(kind, StepPayload):
        properties = {"stepName": _TEXT | {"description": "Equal to id."}} | properties
        required.insert(0, "stepName")
    return {"description": _doc(kind)} | _object(properties, required)


def _finish() -> Schema:
    statuses = list(get_args(FinishStatus))
    failure = _object({"error": {"$ref": "#/$defs/error"}, "errorMessage": {"type": "string"}}, [])
    properties: dict[str, Schema] = {
        "workflowStatus": {"enum": statuses},
        "output": _object({"usage": {"$ref": "#/$defs/usage"}}, ["usage"]),
        "metadata": failure,
        "finalWorkflowResult": {},
    }
    on_success_only = {
        "if": {"required": ["finalWorkflowResult"]},
        "then": {"properties": {"workflowStatus": {"const": "success"}}},
    }
    described = {"description": _doc(WorkflowFinishPayload)}
    return described | _object(properties, ["workflowStatus", "output", "metadata"]) | on_success_only


def _custom() -> Schema:
    properties: dict[str, Schema] = {
        "type": {"type": "string", "pattern": "^data-", "not": {"const": Gap.type}},
        "runId": _TEXT,
        "from": {"enum": list(get_args(Source))},
        "data": {},
        "seq": _COUNT,
    }
    return {"description": "A chunk of the user's own type."} | _object(properties, ["type", "runId", "from", "data"])


def _error() -> Schema:
    properties: dict[str, Schema] = {"name": {"type": "string"}, "message": {"type": "string"}, "cause": {}}
    return {"description": _doc(ErrorInfo)} | _object(properties, ["name", "message"])


def _usage() -> Schema:
    return {"description": _doc(Usage)} | _object({item.key: _COUNT for item in fields_of(Usage)}, [])


def _object(properties: dict[str, Schema], required: list[str]) -> Schema:
    told: Schema = {"type": "object", "properties": properties}
    return told | {"required": required} if required else told


def _hinted(hint: Any) -> Schema:
    if get_origin(hint) is Literal:
        return {"enum": list(get_args(hint))}
    plain: dict[Any, Schema] = {
        Any: {},
        str: _TEXT,
        int: _WHOLE,
        bool: {"type": "boolean"},
        ErrorInfo: {"$ref": "#/$defs/error"},
    }
    return plain.get(hint, {"type": "object"})


def _doc(kind: type[Any]) -> str:
    return (kind.__doc__ or "").partition("\n")[0]
