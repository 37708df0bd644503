from tests.sim.nvc_process import folder, nvc, vteps  # noqa: F401
