"""Every supported operation, called with good, boundary and hostile parameters: each answer is an answer or a typed error."""

import json
import re
import zlib
from pathlib import Path

from server.fuzz.guesses import Guesser
from server.fuzz.house import House

from localorg.kernel.store import Store
from localorg.protocol.models import operation_model

ROUNDS = 24
IDS = re.compile(r'"(?:[A-Za-z]*Id|[A-Za-z]*Token|[A-Za-z]*Arn)":"([^"\\]{4,300})"|<(?:\w*Id|\w*Arn|\w*Marker)>([^<]{4,300})<')


def test_no_call_is_a_defect(tmp_path: Path) -> None:
    """No 5xx, no traceback, no hang, no handler that fails, no row that cannot be written; and the rows can be read again."""
    house = House(tmp_path / "db")
    operations = house.engines.gateway.operations()
    guesser = Guesser(zlib.crc32(b"csd"))
    reached: set[tuple[str, str]] = set()
    problems: dict[str, str] = {}
    for number in range(ROUNDS):
        for service, operation in operations:
            params = guesser.params(operation_model(service, operation).input_shape, spoil=number % 3 == 2) if number else {}
            status, answer = house.knock(service, operation, params)
            if status == 200:
                reached.add((service, operation))
                guesser.known = [*guesser.known, *(a or b for a, b in IDS.findall(answer))][-60:]
            if status >= 500 or house.log or house.kernel.faults or "Traceback" in answer:
                told = [*house.log, *house.kernel.faults, answer][0]
                problems.setdefault(f"{service}:{operation}", f"{json.dumps(params, default=str)[:600]}\n{told[-1500:]}")
                house.log.clear()
                house.kernel.faults.clear()
        house.kernel.run_until(house.kernel.now() + 600)
    assert not problems, "\n\n".join(f"{name}\n{text}" for name, text in problems.items())
    assert house.lost() == []
    assert len(reached) > len(operations) // 2
    _rows_can_be_read(house, tmp_path / "db")


def _rows_can_be_read(house: House, path: Path) -> None:
    house.kernel.store.close()
    again = Store(path)
    for name, table in house.kernel.store._tables.items():
        assert again.table(name, table.record_type).values() == table.values(), name
