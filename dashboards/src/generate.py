"""Writes the dashboards into the folder above, or the one given: make dashboards."""

import sys
from pathlib import Path

import brokers
import burst
import consumer
import frame
import overview
import own
import probe
import producer

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    for module in (overview, probe, brokers, burst, producer, consumer, own):
        frame.write(module.build(), folder)
