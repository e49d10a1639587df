"""Captures DISPLAY with pixelflux as the library's own users do, and throws the units away. Usage: pixelflux-peer.py WIDTH HEIGHT FPS."""
import sys, threading

from pixelflux import CaptureSettings, ScreenCapture

settings = CaptureSettings()
settings.use_wayland = False
settings.capture_width, settings.capture_height = int(sys.argv[1]), int(sys.argv[2])
settings.target_fps = float(sys.argv[3])
settings.codec = "h264"
settings.use_cpu = True
settings.video_fullframe = True
settings.video_crf = 23
capture = ScreenCapture()
capture.start_capture(lambda frame: None, settings)
print("ready", flush=True)
threading.Event().wait()
