"""Read chunks back from their wire form.

What a chunk looks like on the wire follows from its class: see `rxloom.wire_form`. Reading follows from the same
fields, and is strict: a client that gets something else should hear of it where it comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache, partial
from typing import Any, Literal, TypeGuard, cast, get_args, get_origin, get_type_hints

from rxloom.chunks import (
    Chunk,
    Custom,
    CustomType,
    ErrorInfo,
    FinishStatus,
    Gap,
    GapData,
    Source,
    StepChunk,
    StepOutput,
    StepOutputPayload,
    Usage,
    WorkflowCanceled,
    WorkflowFinish,
    WorkflowFinishPayload,
    WorkflowPaused,
    WorkflowStart,
)
from rxloom.wire_form import Payload, StepPayload, camel

_STEP_KINDS: tuple[type[Any], ...] = get_args(StepChunk)
_LIFECYCLE: tuple[type[Any], ...] = (WorkflowStart, *_STEP_KINDS, WorkflowCanceled, WorkflowPaused, WorkflowFinish)

KINDS: dict[str, tuple[type[Any], type[Payload]]] = {
    kind.type: (kind, get_type_hints(kind).get("payload", StepOutputPayload)) for kind in _LIFECYCLE
}
"""The chunk classes that carry a payload, and their payloads' classes, by their type on the wire."""

OLDER_NAMES = {"inputTokens": "promptTokens", "outputTokens": "completionTokens"}
"""What older writers call some of the numbers of a usage."""


class _FieldError(ValueError):
    """Says what is wrong with a field, which it names from the chunk's root."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a payload class as it is on the wire; `hint` is its type without `None`."""

    key: str
    hint: Any
    is_required: bool
    default: Any
    read: Callable[[str, Any], Any]


def chunk_from_wire(data: Mapping[str, Any]) -> Chunk:
    """Make the chunk that a wire form tells of.

    Values of users stay what JSON made of them. Keys that the chunk does not have are ignored, except beside the
    data of a custom chunk.

    Args:
        data: the wire form, as `json.loads` gives it.

    Raises:
        ValueError: it is not the wire form of a chunk; the message names the field.

    Example:
        >>> chunk_from_wire({"type": "data-mood", "runId": "r1", "from": "WORKFLOW", "data": "good", "seq": 7})
        Custom(run_id='r1', type='data-mood', data='good', seq=7, source='WORKFLOW', extra=None)
        >>> chunk_from_wire({"type": "workflow-start", "runId": "r1", "from": "WORKFLOW", "payload": {}})
        Traceback (most recent call last):
        ...
        ValueError: workflow-start: payload.workflowId is missing
    """
    name = _text("type", _object("a chunk", data).get("type"))
    try:
        return _custom_or_gap(name, data) if name.startswith("data-") else _lifecycle(name, data)
    except _FieldError as error:
        raise ValueError(f"{name}: {error}") from None


def _lifecycle(name: str, data: Mapping[str, Any]) -> Chunk:
    if name not in KINDS:
        raise _FieldError("there is no such type of chunk")
    kind, payload_kind = KINDS[name]
    _must_be("from", data.get("from"), kind.source)
    run_id = _text("runId", data.get("runId"))
    payload = _object("payload", data.get("payload"))
    if payload_kind is WorkflowFinishPayload:
        return WorkflowFinish(run_id, _finish(payload), _seq(data))
    made = _payload(payload_kind, "payload", payload)
    if isinstance(made, StepOutputPayload):
        _must_be("payload.runId", made.run_id, run_id)
        return StepOutput.of(run_id, made, _seq(data))
    return kind(run_id, made, _seq(data))


def _custom_or_gap(name: str, data: Mapping[str, Any]) -> Custom | Gap:
    run_id = _text("runId", data.get("runId"))
    if name == Gap.type:
        _must_be("from", data.get("from"), Gap.source)
        return Gap(run_id, cast("GapData", _payload(GapData, "data", _object("data", data.get("data")))))
    if "data" not in data:
        raise _FieldError("data is missing")
    source = _one_of(get_args(Source), "from", data.get("from"))
    extra = {key: value for key, value in data.items() if key not in {"type", "runId", "from", "data", "seq"}}
    return Custom(run_id, cast("CustomType", name), data["data"], _seq(data), source, extra or None)


def _seq(data: Mapping[str, Any]) -> int:
    seq = _whole("seq", data["seq"]) if "seq" in data else -1
    if "seq" in data and seq < 0:
        raise _FieldError(f"seq is {seq}")
    return seq


def _payload(kind: type[Any], where: str, data: Mapping[str, Any]) -> Payload:
    values: list[Any] = []
    for item in fields_of(kind):
        if item.key in data:
            values.append(item.read(f"{where}.{item.key}", data[item.key]))
        elif item.is_required:
            raise _FieldError(f"{where}.{item.key} is missing")
        else:
            values.append(item.default)
    if issubclass(kind, StepPayload):
        _must_be(f"{where}.stepName", data.get("stepName"), data["id"])
    if (status := fixed_status(kind)) is not None:
        _must_be(f"{where}.status", data.get("status"), status)
    return kind(*values)


def _finish(data: Mapping[str, Any]) -> WorkflowFinishPayload:
    status: FinishStatus = _one_of(get_args(FinishStatus), "payload.workflowStatus", data.get("workflowStatus"))
    output = _object("payload.output", data.get("output"))
    usage = _usage("payload.output.usage", output.get("usage"))
    error = _object("payload.metadata", data.get("metadata", {})).get("error")
    if "finalWorkflowResult" in data and status != "success":
        raise _FieldError(f"payload.finalWorkflowResult is there although the run ended {status!r}")
    return WorkflowFinishPayload(
        status,
        usage,
        None if error is None else _error("payload.metadata.error", error),
        data.get("finalWorkflowResult"),
    )


# -- fields ----------------------------------------------------------------------------------------------------


@cache
def fields_of(kind: type[Any]) -> tuple[Field, ...]:
    """Describe how the fields of a payload class are read, in the order of its constructor."""
    hints = get_type_hints(kind)
    return tuple(
        Field(
            camel(item.name),
            _without_none(hints[item.name]),
            item.default is MISSING and (hints[item.name] is not Any or item.name in kind.kept),
            None if item.default is MISSING else item.default,
            _reader(_without_none(hints[item.name])),
        )
        for item in fields(kind)
    )


def fixed_status(kind: type[Any]) -> str | None:
    """Return the status that a payload class always tells, if there is one."""
    return None if "status" in kind.__slots__ else getattr(kind, "status", None)


def _without_none(hint: Any) -> Any:
    options = [option for option in get_args(hint) if option is not type(None)]
    return options[0] if type(None) in get_args(hint) else hint


def _reader(hint: Any) -> Callable[[str, Any], Any]:
    if get_origin(hint) is Literal:
        return partial(_one_of, get_args(hint))
    plain: dict[Any, Callable[[str, Any], Any]] = {Any: _any, str: _text, int: _whole, bool: _flag, ErrorInfo: _error}
    return plain.get(hint, _object)


def _any(_where: str, value: Any) -> Any:
    return value


def _text(where: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _FieldError(f"{where} is no string, or an empty one: {value!r:.80}")
    return value


def _whole(where: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _FieldError(f"{where} is no whole number: {value!r:.80}")
    return value


def _flag(where: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _FieldError(f"{where} is neither true nor false: {value!r:.80}")
    return value


def _one_of(options: tuple[Any, ...], where: str, value: object) -> Any:
    if not isinstance(value, str) or value not in options:
        raise _FieldError(f"{where} is none of {', '.join(options)}: {value!r:.80}")
    return value


def _must_be(where: str, value: object, wanted: str) -> None:
    if value != wanted:
        raise _FieldError(f"{where} is not {wanted!r}: {value!r:.80}")


def _object(where: str, value: object) -> Mapping[str, Any]:
    if not _is_object(value):
        raise _FieldError(f"{where} is no object: {value!r:.80}")
    return value


def _is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _usage(where: str, value: object) -> Usage:
    told = _object(where, value)
    return Usage(*[_tokens(where, told, item.key) for item in fields_of(Usage)])


def _tokens(where: str, told: Mapping[str, Any], key: str) -> int | None:
    value = told.get(key, told.get(OLDER_NAMES.get(key, key)))
    if value is None:
        return None
    if _whole(f"{where}.{key}", value) < 0:
        raise _FieldError(f"{where}.{key} is negative")
    return value


def _error(where: str, value: object) -> ErrorInfo:
    """Read an error and its causes, however many; a cause that is no error is one of the error's own attributes."""
    chain: list[Mapping[str, Any]] = []
    told: object = _object(where, value)
    while _is_error(told) and ("name" in told or not chain):
        chain.append(told)
        told = told.get("cause")
    if not chain:
        raise _FieldError(f"{where} has no message")
    error: ErrorInfo | None = None
    for link in reversed(chain):
        skipped = {"name", "message"} if error is None else {"name", "message", "cause"}
        attributes = {key: item for key, item in link.items() if key not in skipped}
        error = ErrorInfo(link.get("name", "Error"), link["message"], attributes, error)
    return cast("ErrorInfo", error)


def _is_error(value: object) -> TypeGuard[Mapping[str, Any]]:
    return _is_object(value) and isinstance(value.get("message"), str) and isinstance(value.get("name", ""), str)
