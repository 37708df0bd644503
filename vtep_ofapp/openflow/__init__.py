"""The only part that speaks OpenFlow: values to messages, messages to values and events."""
