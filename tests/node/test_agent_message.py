"""Frames of the control channel: what is packed is unpacked, in the layout that the stock agent reads and writes."""

import hashlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localorg.node.agent_message import AgentMessage, BadFrameError, unpacked

KINDS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=32)
NUMBER = 2**63 - 1


@given(KINDS, st.uuids(), st.integers(0, NUMBER), st.binary(max_size=200), st.integers(-NUMBER, NUMBER), st.integers(0, NUMBER))
def test_whatever_is_packed_comes_back(kind, identity, created, payload, sequence, flags):
    """Packing loses nothing."""
    message = AgentMessage(kind, str(identity), created, payload, sequence, flags)
    assert unpacked(message.packed()) == message


def test_the_layout_is_that_of_the_stock_agent():
    """Observed: big endian, a head of 116 bytes, the message id's halves swapped, the payload's digest before its length."""
    identity = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")
    data = AgentMessage("agent_job", str(identity), 1_700_000_000_123, b"{}").packed()
    assert data[:4] == (116).to_bytes(4)
    assert data[4:36] == b"agent_job".ljust(32)
    assert data[36:40] == (1).to_bytes(4)
    assert data[40:48] == (1_700_000_000_123).to_bytes(8)
    assert data[48:64] == bytes(16)
    assert data[64:80] == identity.bytes[8:] + identity.bytes[:8]
    assert data[80:112] == hashlib.sha256(b"{}").digest()
    assert data[112:] == (0).to_bytes(4) + (2).to_bytes(4) + b"{}"


def test_a_type_may_be_padded_with_zeros():
    """Observed: agents pad with spaces or with zeros."""
    data = AgentMessage("agent_job_ack", str(uuid.uuid4()), 1, b"{}").packed()
    assert unpacked(data.replace(b"agent_job_ack".ljust(32), b"agent_job_ack".ljust(32, b"\0"))).kind == "agent_job_ack"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data[:100], "a frame has at least 120 bytes, found 100"),
        (lambda data: data + b"x", "announces 116 and 2 bytes, found 116 and 3"),
        (lambda data: b"\0" + b"\0\0\x70" + data[4:], "announces 112"),
        (lambda data: data[:-2] + b"[]", "the digest is not that of the payload"),
        (lambda data: data[:4] + b"\xff" * 32 + data[36:], "the type is not text"),
    ],
)
def test_what_is_no_frame_is_refused_with_the_reason(spoil, reason):
    """A frame that was cut, lengthened or changed is not taken for another."""
    data = AgentMessage("agent_job", str(uuid.uuid4()), 1, b"{}").packed()
    with pytest.raises(BadFrameError, match=reason):
        unpacked(spoil(data))
