"""One stored mail: its body, made safe, in a frame of its own, and its attachments."""
