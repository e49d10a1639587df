#include "keys.h"
#include "clock.h"
#include <X11/XKBlib.h>
#include <X11/Xatom.h>
#include <X11/Xutil.h>
#include <X11/extensions/XTest.h>
#include <X11/keysym.h>
#include <unistd.h>

enum { MOST_HELD = 64, MOST_SPARE = 64, FIRST = 8, LAST = 255 };
/* Units: microseconds. A program that is behind looks up a key after it was pressed: its meaning must not have changed meanwhile. */
enum { SPARE_REST = 60000 };
/* And it must have heard of a new meaning before the key is pressed. */
enum { HEARD_AFTER = 6000 };
enum { XF86 = 0x1008ff, AT_ONCE = 16 };

static Display *display;
static struct {
  KeySym symbol;
  KeyCode code;
} held[MOST_HELD];
static int held_count;
/* Keycodes without a meaning, which are given one when a symbol is wanted that no key has. */
static struct {
  KeyCode code;
  KeySym symbol;
  int64_t used;
} spare[MOST_SPARE];
static int spare_count;
static bool is_spare[LAST + 1];
/* A meaning was given that programs may not have heard of. */
static bool fresh;

/* Whoever types has them applied already: what comes is the symbol that results. */
static bool applied(KeySym symbol) {
  return symbol == XK_Caps_Lock || symbol == XK_Shift_Lock || symbol == XK_Num_Lock || symbol == XK_Scroll_Lock || symbol == XK_Mode_switch ||
         symbol == XK_ISO_Level3_Shift || symbol == XK_ISO_Level5_Shift;
}

static void find_spare(void) {
  int per_code;
  KeySym *all = XGetKeyboardMapping(display, FIRST, LAST - FIRST + 1, &per_code);
  if (all == NULL) return;
  for (int code = LAST; code >= FIRST && spare_count < MOST_SPARE; code--) {
    const KeySym *meanings = all + (code - FIRST) * per_code;
    /* Keys of media and power that no keyboard here has count for nothing. */
    bool empty = meanings[0] >> 8 == XF86;
    for (int i = 0; !empty && i < per_code && meanings[i] == NoSymbol; i++) empty = i + 1 == per_code;
    if (empty) spare[spare_count++].code = (KeyCode)code;
  }
  XFree(all);
}

/* What died before gave spare keys meanings, so that they do not look spare: they are written down at the root window. */
static bool recall_spare(Atom name) {
  Atom type;
  int format;
  unsigned long items = 0, left;
  unsigned char *codes = NULL;
  XGetWindowProperty(display, DefaultRootWindow(display), name, 0, MOST_SPARE / 4, False, XA_CARDINAL, &type, &format, &items, &left, &codes);
  for (unsigned long i = 0; i < items && format == 8; i++) spare[spare_count++].code = codes[i];
  if (codes != NULL) XFree(codes);
  return spare_count > 0;
}

static void note_spare(Atom name) {
  unsigned char codes[MOST_SPARE];
  for (int i = 0; i < spare_count; i++) codes[i] = spare[i].code;
  XChangeProperty(display, DefaultRootWindow(display), name, XA_CARDINAL, 8, PropModeReplace, codes, spare_count);
}

void keys_open(Display *from) {
  display = from;
  Atom name = XInternAtom(display, "HELIX_SPARE_KEYS", False);
  if (!recall_spare(name)) {
    find_spare();
    note_spare(name);
  }
  for (int i = 0; i < spare_count; i++) is_spare[spare[i].code] = true;
  /* Repeats come from the keyboard in front of the person. */
  XAutoRepeatOff(display);
}

void keys_changed(XMappingEvent *event) { XRefreshKeyboardMapping(event); }

static KeyCode spare_for(KeySym symbol) {
  int oldest = -1;
  for (int i = 0; i < spare_count; i++) {
    if (spare[i].symbol == symbol) {
      spare[i].used = now_us();
      return spare[i].code;
    }
    bool down = false;
    for (int h = 0; h < held_count; h++) down |= held[h].code == spare[i].code;
    if (!down && (oldest < 0 || spare[i].used < spare[oldest].used)) oldest = i;
  }
  if (oldest < 0) return 0;
  int64_t rest = spare[oldest].used + SPARE_REST - now_us();
  if (spare[oldest].used != 0 && rest > 0) usleep((useconds_t)rest);
  KeySym both[] = {symbol, symbol};
  XChangeKeyboardMapping(display, spare[oldest].code, 2, both, 1);
  XSync(display, False);
  spare[oldest].symbol = symbol;
  spare[oldest].used = now_us();
  fresh = true;
  return spare[oldest].code;
}

/* The key with a symbol, and whether Shift gives it; one of the spare keys where none has it. */
static KeyCode code_for(KeySym symbol, bool *shift) {
  *shift = false;
  bool modifier = symbol >= XK_Shift_L && symbol <= XK_Hyper_R;
  bool keypad = symbol >= XK_KP_Space && symbol <= XK_KP_9;
  for (int level = 0; level < (keypad ? 1 : 2); level++)
    for (int code = FIRST; code <= LAST; code++) {
      if (is_spare[code] || XkbKeycodeToKeysym(display, (KeyCode)code, 0, level) != symbol) continue;
      /* Meta stands where Alt does with Shift. */
      *shift = level == 1 && !modifier;
      return (KeyCode)code;
    }
  return spare_for(symbol);
}

static void send(KeyCode code, bool down) { XTestFakeKeyEvent(display, code, down, CurrentTime); }

static bool is_letter_pair(KeySym symbol) {
  KeySym lower, upper;
  XConvertCase(symbol, &lower, &upper);
  return lower != upper;
}

static KeyCode held_code(KeySym symbol) {
  for (int i = 0; i < held_count; i++)
    if (held[i].symbol == symbol) return held[i].code;
  return 0;
}

/* Presses with Shift as the key needs it, whatever of it is down: on another layout the same symbol may need none. */
static void press_with_shift(KeySym symbol, KeyCode code, bool wanted) {
  KeyCode left = held_code(XK_Shift_L), right = held_code(XK_Shift_R);
  bool down = left != 0 || right != 0;
  bool chord = held_code(XK_Control_L) != 0 || held_code(XK_Control_R) != 0 || held_code(XK_Alt_L) != 0 || held_code(XK_Super_L) != 0;
  /* With Ctrl letters are keys: Caps Lock makes Ctrl+C a large C, and it is Ctrl+C still. */
  bool letter = chord && is_letter_pair(symbol);
  /* Symbols like Tab are the same with Shift. */
  bool keeps = letter || (down && !wanted && (is_letter_pair(symbol) || symbol >= 0xfd00 || chord));
  if (wanted == down || keeps) return send(code, true);
  KeyCode shift = XKeysymToKeycode(display, XK_Shift_L);
  if (wanted) {
    send(shift, true);
    send(code, true);
    return send(shift, false);
  }
  if (left != 0) send(left, false);
  if (right != 0) send(right, false);
  send(code, true);
  if (left != 0) send(left, true);
  if (right != 0) send(right, true);
}

static void let_hear(void) {
  if (!fresh) return;
  XSync(display, False);
  usleep(HEARD_AFTER);
  fresh = false;
}

void keys_press(KeySym symbol) {
  if (applied(symbol) || symbol == NoSymbol || symbol > 0x1fffffff) return;
  if (held_code(symbol) != 0) keys_release(symbol);
  if (held_count == MOST_HELD) return;
  bool shift;
  KeyCode code = code_for(symbol, &shift);
  if (code == 0) return;
  let_hear();
  /* Two symbols of one key at once: it is let go for the first. */
  for (int i = 0; i < held_count; i++)
    if (held[i].code == code) {
      keys_release(held[i].symbol);
      break;
    }
  press_with_shift(symbol, code, shift);
  held[held_count].symbol = symbol;
  held[held_count++].code = code;
}

void keys_release(KeySym symbol) {
  for (int i = 0; i < held_count; i++) {
    if (held[i].symbol != symbol) continue;
    send(held[i].code, false);
    held[i] = held[--held_count];
    return;
  }
}

void keys_release_all(void) {
  while (held_count > 0) keys_release(held[held_count - 1].symbol);
}

static KeySym symbol_of(unsigned code) {
  if (code == '\n' || code == '\r') return XK_Return;
  if (code == '\t') return XK_Tab;
  if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return NoSymbol;
  return code < 0x100 ? code : 0x1000000 | code;
}

void keys_type(const unsigned *codes, size_t count) {
  for (size_t at = 0; at < count; at += AT_ONCE) {
    size_t end = at + AT_ONCE < count ? at + AT_ONCE : count;
    bool ignored;
    for (size_t i = at; i < end; i++)
      if (symbol_of(codes[i]) != NoSymbol) code_for(symbol_of(codes[i]), &ignored);
    for (size_t i = at; i < end; i++) {
      keys_press(symbol_of(codes[i]));
      keys_release(symbol_of(codes[i]));
    }
    XFlush(display);
  }
}
