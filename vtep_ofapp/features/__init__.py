"""What a VTEP does: each feature decides in a module or folder of its own."""
