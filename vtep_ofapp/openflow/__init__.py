"""OpenFlow connections: values to messages, messages to values and events."""
