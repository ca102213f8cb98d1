"""What hosts say, over the kernel's own sockets: cameras, recorders, tools, servers."""

import os
import socket
import struct
import subprocess
import threading
import time

GROUP = "239.255.255.250"
SADP, ONVIF = 37020, 3702
# Socket options (linux/in.h): datagrams are never fragmented, so that the kernel gives them IP ID 0 (RFC 6864).
IP_MTU_DISCOVER, IP_PMTUDISC_DO = 10, 2
never_fragment = False  # pylint: disable=invalid-name


def family(ip):
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


def udp(ip, port=0):
    s = socket.socket(family(ip), socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if never_fragment:
        s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    s.bind((ip, port))
    return s


def listen(ip, port):
    s = socket.socket(family(ip), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((ip, port))
    s.listen(16)
    return s


def thread(what, *args):
    def run():
        try:
            what(*args)
        except OSError:  # The other end has gone.
            pass
    threading.Thread(target=run, daemon=True).start()


# --- cameras

def camera(ip, ports=(80, 8000)):
    """RTSP (RFC 2326) with RTP over UDP or interleaved, HTTP, and the two discoveries."""
    for port in ports:
        thread(answer_all, listen(ip, port), b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
    if ":" not in ip:
        thread(discovered, ip, SADP, lambda _: f'<?xml version="1.0"?><ProbeMatch><Types>inquiry</Types><IPv4Address>{ip}</IPv4Address></ProbeMatch>')
        thread(discovered, ip, ONVIF, lambda _: f"<Envelope><ProbeMatches><XAddrs>http://{ip}/onvif/device_service</XAddrs></ProbeMatches></Envelope>")
    server = listen(ip, 554)
    while True:
        connection, peer = server.accept()
        thread(rtsp_session, ip, connection, peer)


def answer_all(server, answer):
    while True:
        connection, _ = server.accept()
        thread(answer_one, connection, answer)


def answer_one(connection, answer):
    if connection.recv(2000):
        connection.sendall(answer)
    connection.close()


def rtsp_session(ip, connection, peer):
    state, video, control, destination = {}, None, None, None
    while text := connection.recv(2000).decode("utf8", "replace"):
        for request in text.split("\r\n\r\n"):
            headers = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if ": " in line)
            if "CSeq" not in headers:
                continue
            extra, body = "", ""
            if request.startswith("DESCRIBE"):
                body = f"v=0\r\no=- 0 0 IN IP4 {ip}\r\ns=Media Presentation\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
                extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            elif request.startswith("SETUP"):
                wanted = headers["Transport"]
                if "client_port=" in wanted:
                    first = int(wanted.split("client_port=")[1].split("-")[0])
                    video, control = udp(ip, 8200 + first % 1000), udp(ip, 8201 + first % 1000)
                    destination = (peer[0], first)
                    thread(receive, control)
                    wanted += f";server_port={video.getsockname()[1]}-{control.getsockname()[1]}"
                extra = f"Transport: {wanted}\r\nSession: 1842;timeout=60\r\n"
            elif request.startswith("PLAY"):
                state["playing"] = True
            connection.sendall(f"RTSP/1.0 200 OK\r\nCSeq: {headers['CSeq']}\r\n{extra}\r\n{body}".encode())
            if request.startswith("PLAY"):
                thread(play, state, connection, video, control, destination)
            elif request.startswith("TEARDOWN"):
                state["playing"] = False
    state["playing"] = False


def play(state, connection, video, control, destination):
    number = 0
    while state["playing"]:
        packet = rtp(number, 900)
        try:
            if video:
                video.sendto(packet, destination)
                if number % 25 == 0:
                    control.sendto(rtcp(200, number), (destination[0], destination[1] + 1))
            else:
                connection.sendall(b"$\0" + struct.pack(">H", len(packet)) + packet)
        except OSError:
            return
        number += 1
        time.sleep(0.04)


def rtp(number, size):
    return struct.pack(">BBHII", 0x80, 96, number & 0xffff, number * 3600 & 0xffffffff, 0x1234) + bytes([number & 0xff]) * size


def rtcp(kind, number):
    return struct.pack(">BBHIIIIII", 0x80, kind, 6, 0x1234, 0, number, number * 3600, number, number * 900)


def receive(s):
    while True:
        s.recv(2000)


def multicast(ip, group, port, seconds, ttl=16):
    """Video to a group."""
    s = udp(ip, port)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(ip))
    for number in range(int(seconds * 20)):
        s.sendto(rtp(number, 400), (group, port))
        time.sleep(0.05)


def join(ip, group, port, seconds):
    """A receiver of a group; the kernel speaks IGMP."""
    s = udp("0.0.0.0", port)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + socket.inet_aton(ip))
    s.settimeout(0.2)
    end = time.time() + seconds
    while time.time() < end:
        try:
            s.recv(2000)
        except TimeoutError:
            pass


def discovered(ip, port, answer):
    s = udp("0.0.0.0", port)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(GROUP) + socket.inet_aton(ip))
    while True:
        probe, peer = s.recvfrom(4000)
        if b"Match" not in probe and peer[0] != ip:
            s.sendto(answer(probe).encode(), peer)


def discover(ip, seconds, to=GROUP):
    """SADP and WS-Discovery, as a service laptop or a recorder does; answers come by unicast."""
    for port, probe in [(SADP, b'<?xml version="1.0"?><Probe><Uuid>1</Uuid><Types>inquiry</Types></Probe>'),
                        (ONVIF, b"<Envelope><Probe><Types>dn:NetworkVideoTransmitter</Types></Probe></Envelope>")]:
        s = udp(ip)
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(ip))
        s.sendto(probe, (to, port))
        s.settimeout(seconds)
        try:
            while True:
                s.recv(4000)
        except TimeoutError:
            pass


# --- what cameras and recorders do

def record(ip, camera_ip, seconds, transport="udp", port=20000, stay=False):
    """Pulls video as a recorder does."""
    s = socket.create_connection((camera_ip, 554), source_address=(ip, 0), timeout=5)
    host = f"[{camera_ip}]" if ":" in camera_ip else camera_ip
    url, number = f"rtsp://{host}:554/Streaming/Channels/101", 0
    way = f"RTP/AVP;unicast;client_port={port}-{port + 1}" if transport == "udp" else "RTP/AVP/TCP;unicast;interleaved=0-1"
    if transport == "udp":
        thread(receive, udp(ip, port))
        control = udp(ip, port + 1)
    for method, headers in [("OPTIONS", ""), ("DESCRIBE", "Accept: application/sdp\r\n"),
                            ("SETUP", f"Transport: {way}\r\n"), ("PLAY", "Session: 1842\r\n")]:
        number += 1
        s.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: {number}\r\n{headers}\r\n".encode())
        answer = s.recv(2000)
        if method == "SETUP" and transport == "udp":
            server = int(answer.decode().split("server_port=")[1].split("-")[1].split("\r")[0])
    end = time.time() + seconds
    while time.time() < end:
        if transport == "udp":
            control.sendto(rtcp(201, number), (camera_ip, server))
            time.sleep(0.5)
        else:
            s.settimeout(0.5)
            try:
                s.recv(20000)
            except TimeoutError:
                pass
    if not stay:
        s.sendall(f"TEARDOWN {url} RTSP/1.0\r\nCSeq: 9\r\nSession: 1842\r\n\r\n".encode())
        time.sleep(0.2)
        s.close()


def ntp(ip, server, times=1, interval=1.0):
    """NTP 4, client mode (RFC 5905)."""
    for _ in range(times):
        s = udp(ip, 123)
        s.sendto(bytes([0x23, 0, 6, 0xec]) + bytes(36) + struct.pack(">II", int(time.time()) + 2208988800, os.getpid()), (server, 123))
        s.settimeout(0.3)
        try:
            s.recv(100)
        except OSError:
            pass
        s.close()
        time.sleep(interval)


def ntp_server(ip):
    s = udp(ip, 123)
    while True:
        request, peer = s.recvfrom(100)
        s.sendto(bytes([0x24, 2, 6, 0xec]) + bytes(12) + b"LOCL" + request[40:48] * 3, peer)


def send_udp(ip, peer, port, size, count, source=0, gap=0.002):
    """Datagrams that nobody need answer."""
    s = udp(ip, source)
    for number in range(count):
        try:
            s.sendto(struct.pack(">I", number) + bytes(size - 4), (peer, port))
        except OSError:
            pass
        time.sleep(gap)


def connect(ip, peer, port, talk=b"", seconds=1.0):
    """A TCP connection; what comes of it does not matter."""
    try:
        s = socket.create_connection((peer, port), source_address=(ip, 0), timeout=seconds)
        if talk:
            s.sendall(talk)
            s.settimeout(seconds)
            s.recv(2000)
        s.close()
    except OSError:
        pass


def chat(ip, peer, port, seconds, gap=0.2):
    """A long connection in which both speak."""
    s = socket.create_connection((peer, port), source_address=(ip, 0), timeout=3)
    end = time.time() + seconds
    while time.time() < end:
        s.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
        s.recv(2000)
        time.sleep(gap)


def echo(ip, port):
    """A TCP server that says back what it hears."""
    server = listen(ip, port)
    while True:
        connection, _ = server.accept()
        thread(echo_one, connection)


def echo_one(connection):
    while data := connection.recv(2000):
        connection.sendall(data)


def sink(ip, port):
    """Takes datagrams and says nothing."""
    receive(udp(ip, port))


def udp_echo(ip, port):
    s = udp(ip, port)
    while True:
        data, peer = s.recvfrom(2000)
        s.sendto(data, peer)


def dns_server(ip):
    """Knows an address for every name (RFC 1035): 192.0.2.53."""
    s = udp(ip, 53)
    while True:
        query, peer = s.recvfrom(600)
        question = query[12:query.index(b"\0", 12) + 5]
        answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + bytes([192, 0, 2, 53])
        s.sendto(query[:2] + b"\x85\x80\0\1\0\1\0\0\0\0" + question + answer, peer)


def ping(peer, times=1):
    """Echo requests (RFC 792) to a host; returns how many were answered."""
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    s.settimeout(1)
    answers = 0
    for number in range(times):
        words = [8 << 8, 0, os.getpid() & 0xffff, number]
        total = sum(words)
        words[1] = ~((total & 0xffff) + (total >> 16)) & 0xffff
        try:
            s.sendto(struct.pack(">4H", *words), (peer, 0))
            while s.recv(100)[20:28] != struct.pack(">4H", 0, words[1] + 0x800, *words[2:]):
                pass
            answers += 1
        except OSError:
            pass
    return answers


def program(*command):
    """A real program."""
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
