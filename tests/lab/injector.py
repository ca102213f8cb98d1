"""Faults of a mirror: stands between the mirror's port and the sensor, and does to frames what a switch may do.

Reads frames where they enter (AF_PACKET) and sends them on, in one of these ways:

    pass                as they are
    strip               without their outer tag
    lose N              every Nth is lost
    scatter P           P percent are lost, by chance
    duplicate           each twice
    reorder N           N at a time, last one first
    from MAC,MAC        only those that these hosts sent
    cut N               only their first N bytes

It ends with the process that started it, and after an hour in any case.
"""

import random
import select
import socket
import struct
import time

SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING, ETH_P_ALL, SO_RCVBUFFORCE = 263, 8, 4, 3, 33
# struct tpacket_auxdata (linux/if_packet.h), and its flags for a tag that the kernel took out of the frame.
AUXDATA = struct.Struct("IIIHHHH")
VLAN_VALID, VLAN_TPID_VALID = 0x10, 0x40
MAX_SECONDS = 3600
BUFFER = 8 << 20
# Frames that wait for a reordering wait no longer than this.
MAX_WAIT_SECONDS = 0.05


def tag_of(ancillary):
    """The tag that the kernel took out of a frame, as bytes."""
    for level, kind, data in ancillary:
        if (level, kind) == (SOL_PACKET, PACKET_AUXDATA):
            status, _, _, _, _, tci, tpid = AUXDATA.unpack(data)
            if status & VLAN_VALID:
                return struct.pack(">HH", tpid if status & VLAN_TPID_VALID else 0x8100, tci)
    return b""


class Way:
    """What is done to frames now."""

    def __init__(self, words):
        self.name, *rest = words.split()
        self.macs = [bytes.fromhex(mac.replace(":", "")) for mac in rest[0].split(",")] if self.name == "from" else []
        self.number = int(rest[0]) if self.name in ("lose", "reorder", "cut") else 0
        self.share = float(rest[0]) / 100 if self.name == "scatter" else 0
        self.count, self.waiting = 0, []

    def frames(self, frame, tag):
        """The frames to send in place of this one."""
        self.count += 1
        whole = frame[:12] + tag + frame[12:]
        match self.name:
            case "strip":
                return [frame]
            case "lose":
                return [] if self.count % self.number == 0 else [whole]
            case "scatter":
                return [] if random.random() < self.share else [whole]
            case "duplicate":
                return [whole, whole]
            case "from":
                return [whole] if frame[6:12] in self.macs else []
            case "cut":
                return [whole[:self.number]]
            case "reorder":
                self.waiting.append(whole)
                return self.late() if len(self.waiting) >= self.number else []
        return [whole]

    def late(self):
        """Frames that waited for others."""
        frames, self.waiting = self.waiting[::-1], []
        return frames


def packet_socket(nic):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.bind((nic, 0))
    return s


def inject(enters, leaves, control, way="pass"):
    """Carries frames from one interface to the other; a line on `control` names another way."""
    source, out = packet_socket(enters), packet_socket(leaves)
    source.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    source.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
    way, end = Way(way), time.monotonic() + MAX_SECONDS
    while time.monotonic() < end:
        ready, _, _ = select.select([source, control], [], [], MAX_WAIT_SECONDS)
        if control in ready:
            words = control.readline()
            if not words:
                return
            send(out, way.late())
            way = Way(words)
        if source in ready:
            frame, ancillary, _, address = source.recvmsg(70_000, 256)
            if address[2] != PACKET_OUTGOING:
                send(out, way.frames(frame, tag_of(ancillary)))
        else:
            send(out, way.late())


def send(out, frames):
    for frame in frames:
        try:
            out.send(frame)
        except OSError:  # The sensor's cable is out: the frame is lost.
            pass
