"""What the benchmark looks at: a window over the whole screen whose first row says when it was painted.

Usage: scene.py MODE FPS. Modes: `still`, `type` (a letter at a time, FPS of them a second), `scroll` (text that runs), `video` (all of it changes), `keys` (paints when a key is pressed).
The row is 32 cells of 16 pixels, black or white: 1, 0, 24 bits of the Unix time in units of 0.1 ms, 6 bits of a check sum.
"""
import ctypes, ctypes.util, random, select, signal, sys, time

CELL, BITS, CHECK = 16, 24, 6
x = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
for name in ("XOpenDisplay", "XCreateGC", "XLoadQueryFont"):
    getattr(x, name).restype = ctypes.c_void_p
for name in ("XDefaultRootWindow", "XCreateSimpleWindow"):
    getattr(x, name).restype = ctypes.c_ulong
P, U, I = ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int


def said(name, *types):
    getattr(x, name).argtypes = types


said("XOpenDisplay", ctypes.c_char_p)
said("XDefaultRootWindow", P)
said("XCreateSimpleWindow", P, U, I, I, ctypes.c_uint, ctypes.c_uint, ctypes.c_uint, U, U)
said("XCreateGC", P, U, U, P)
said("XSetForeground", P, P, U)
said("XFillRectangle", P, U, P, I, I, ctypes.c_uint, ctypes.c_uint)
said("XCopyArea", P, U, U, P, I, I, ctypes.c_uint, ctypes.c_uint, I, I)
said("XDrawString", P, U, P, I, I, ctypes.c_char_p, I)
said("XMapRaised", P, U)
said("XSelectInput", P, U, ctypes.c_long)
said("XSetInputFocus", P, U, I, U)
said("XChangeWindowAttributes", P, U, U, P)
said("XSync", P, I)
said("XFlush", P)
said("XPending", P)
said("XNextEvent", P, P)
said("XConnectionNumber", P)
said("XDisplayWidth", P, I)
said("XDisplayHeight", P, I)


class Attributes(ctypes.Structure):
    _fields_ = [("background_pixmap", U), ("background_pixel", U), ("border_pixmap", U), ("border_pixel", U), ("bit_gravity", I), ("win_gravity", I), ("backing_store", I),
                ("backing_planes", U), ("backing_pixel", U), ("save_under", I), ("event_mask", ctypes.c_long), ("do_not_propagate_mask", ctypes.c_long), ("override_redirect", I), ("colormap", U), ("cursor", U)]


class Scene:
    def __init__(self):
        self.display = x.XOpenDisplay(None)
        if not self.display:
            sys.exit("no X server at DISPLAY")
        self.width, self.height = x.XDisplayWidth(self.display, 0), x.XDisplayHeight(self.display, 0)
        root = x.XDefaultRootWindow(self.display)
        self.window = x.XCreateSimpleWindow(self.display, root, 0, 0, self.width, self.height, 0, 0, 0x203040)
        x.XChangeWindowAttributes(self.display, self.window, 1 << 9, ctypes.byref(Attributes(override_redirect=1)))
        x.XSelectInput(self.display, self.window, 1 | 1 << 15)
        x.XMapRaised(self.display, self.window)
        self.gc = x.XCreateGC(self.display, self.window, 0, None)
        x.XSync(self.display, 0)
        x.XSetInputFocus(self.display, self.window, 1, 0)
        self.line = 0

    def box(self, colour, left, top, width, height):
        x.XSetForeground(self.display, self.gc, colour)
        x.XFillRectangle(self.display, self.window, self.gc, left, top, width, height)

    def stamp(self):
        value = int(time.time() * 10_000) & ((1 << BITS) - 1)
        check = sum(value >> shift & 63 for shift in range(0, BITS, 6)) & 63
        cells = 1 << 31 | value << CHECK | check
        self.box(0, 0, 0, 32 * CELL, CELL)
        for index in range(32):
            if cells >> (31 - index) & 1:
                self.box(0xFFFFFF, index * CELL, 0, CELL, CELL)
        x.XFlush(self.display)

    def type(self):
        x.XSetForeground(self.display, self.gc, 0xE0E0E0)
        column, row = self.line % 100, self.line // 100 % 40
        x.XDrawString(self.display, self.window, self.gc, 10 + column * 8, 60 + row * 16, random.choice("abcdefghij").encode(), 1)
        self.line += 1
        self.stamp()

    def scroll(self):
        step = 8
        x.XCopyArea(self.display, self.window, self.window, self.gc, 0, CELL + step, self.width, self.height - CELL - step, 0, CELL)
        self.box(0x203040, 0, self.height - step, self.width, step)
        self.line += 1
        if self.line % 2 == 0:
            x.XSetForeground(self.display, self.gc, 0xE0E0E0)
            words = " ".join(random.choice(("const", "await", "return", "engine", "{ session }", "=> true", "// why")) for _ in range(20)).encode()
            x.XDrawString(self.display, self.window, self.gc, 10, self.height - 4, words, len(words))
        self.stamp()

    def video(self):
        step = 40
        for top in range(CELL, self.height, step):
            for left in range(0, self.width, step * 2):
                self.box(random.getrandbits(24), left, top, step * 2, step)
        self.stamp()

    def keys(self):
        event = ctypes.create_string_buffer(192)
        while True:
            select.select([x.XConnectionNumber(self.display)], [], [])
            while x.XPending(self.display):
                x.XNextEvent(self.display, event)
                if ctypes.cast(event, ctypes.POINTER(ctypes.c_int))[0] in (2, 12):
                    self.stamp()


def main(mode, fps):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    scene = Scene()
    scene.stamp()
    if mode == "keys":
        scene.keys()
    while mode == "still":
        time.sleep(60)
    due = time.monotonic()
    while True:
        getattr(scene, mode)()
        due = max(due + 1 / fps, time.monotonic() - 0.1)
        time.sleep(max(0.0, due - time.monotonic()))


main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 60)
