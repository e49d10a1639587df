"""A network of its own behind a link with delay, loss and a rate, for machines whose kernel has no netem.

Usage: shaped-link.py NAMESPACE PORT... Makes the namespace (198.18.200.2, this machine is 198.18.200.1) and carries packets between two tun devices.
The ports of the loopback inside are those of this machine's loopback, over the link: pages keep their addresses, and browsers trust the loopback.
Standard input takes lines `delay_ms loss_percent kbit_per_second` (both ways each; rate 0: as fast as it goes) and `cut` / `heal`.
The end of the input removes everything.
"""
import collections, fcntl, os, random, select, struct, subprocess, sys, time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
OUTSIDE, INSIDE = "198.18.200.1", "198.18.200.2"
# Bytes that wait before a full queue drops, as a home router's: 150 ms at the rate, at least some packets.
WAIT_SECONDS, WAIT_LEAST = 0.15, 20_000


def tun(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def ip(*args):
    subprocess.run(["ip", *args], check=True)


class Way:
    """One direction: a queue at the rate, then the delay."""

    def __init__(self, out):
        self.out, self.packets, self.free_at = out, collections.deque(), 0.0

    def take(self, packet, shape, now):
        if shape["cut"] or random.random() * 100 < shape["loss"]:
            return
        rate = shape["rate"] / 8
        if rate > 0:
            backlog = max(0.0, self.free_at - now) * rate
            if backlog + len(packet) > max(WAIT_LEAST, WAIT_SECONDS * rate):
                return
            self.free_at = max(now, self.free_at) + len(packet) / rate
        self.packets.append((max(now, self.free_at if rate > 0 else now) + shape["delay"], packet))

    def give(self, now):
        while self.packets and self.packets[0][0] <= now:
            try:
                os.write(self.out, self.packets.popleft()[1])
            except OSError:
                pass

    def due(self, now):
        return max(0.0, self.packets[0][0] - now) if self.packets else None


def nft(rules, *enter):
    subprocess.run([*enter, "nft", "-f", "-"], input=rules, text=True, check=True)


def lead(namespace, ports):
    enter = ("ip", "netns", "exec", namespace)
    subprocess.run([*enter, "sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1"], check=True)
    subprocess.run(["sysctl", "-qw", "net.ipv4.conf.hxshape0.route_localnet=1"], check=True)
    wanted = "tcp dport { " + ", ".join(ports) + " }"
    nft("table ip hxshape {"
        f" chain to {{ type nat hook output priority -100; ip daddr 127.0.0.1 {wanted} dnat to {OUTSIDE}; }};"
        f" chain from {{ type nat hook postrouting priority 100; ip daddr {OUTSIDE} masquerade; }}; }}", *enter)
    nft("table ip hxshape {"
        f" chain to {{ type nat hook prerouting priority -100; iifname hxshape0 ip daddr {OUTSIDE} {wanted} dnat to 127.0.0.1; }}; }}")


def main(namespace, ports):
    outside, inside = tun("hxshape0"), tun("hxshape1")
    subprocess.run(["ip", "netns", "del", namespace], stderr=subprocess.DEVNULL)
    ip("netns", "add", namespace)
    try:
        ip("link", "set", "hxshape1", "netns", namespace)
        ip("addr", "add", OUTSIDE, "peer", INSIDE, "dev", "hxshape0")
        ip("link", "set", "hxshape0", "up")
        ip("-n", namespace, "link", "set", "lo", "up")
        ip("-n", namespace, "addr", "add", INSIDE, "peer", OUTSIDE, "dev", "hxshape1")
        ip("-n", namespace, "link", "set", "hxshape1", "up")
        ip("-n", namespace, "route", "add", "default", "via", OUTSIDE)
        lead(namespace, ports)
        print("ready", flush=True)
        carry(outside, inside)
    finally:
        subprocess.run(["nft", "delete", "table", "ip", "hxshape"], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "netns", "del", namespace])


def carry(outside, inside):
    shape = {"delay": 0.0, "loss": 0.0, "rate": 0, "cut": False}
    ways = {outside: Way(inside), inside: Way(outside)}
    while True:
        now = time.monotonic()
        waits = [due for due in (way.due(now) for way in ways.values()) if due is not None]
        readable, _, _ = select.select([outside, inside, sys.stdin], [], [], min(waits) if waits else None)
        now = time.monotonic()
        for source in readable:
            if source is sys.stdin:
                line = sys.stdin.readline()
                if line == "":
                    return
                obey(line.split(), shape)
                print("ok", flush=True)
                continue
            try:
                while True:
                    ways[source].take(os.read(source, 65536), shape, now)
            except BlockingIOError:
                pass
        for way in ways.values():
            way.give(now)


def obey(words, shape):
    if words[0] in ("cut", "heal"):
        shape["cut"] = words[0] == "cut"
        return
    delay, loss, rate = (float(word) for word in words)
    shape.update(delay=delay / 1000, loss=loss, rate=rate * 1000)


main(sys.argv[1], sys.argv[2:])
