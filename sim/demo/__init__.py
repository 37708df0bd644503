"""Labs that show, step by step, what the application does: the guide, and a fabric of VTEPs."""
