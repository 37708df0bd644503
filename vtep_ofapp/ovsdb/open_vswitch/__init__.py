"""The Open_vSwitch database (ovs-vswitchd.conf.db(5)): bridges as values, tunnel ports written."""
