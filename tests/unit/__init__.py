"""Pure, fast tests: no Open vSwitch, no network, no waiting."""
