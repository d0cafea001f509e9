"""What Windlass costs: latencies, throughput and memory of real processes. Begin with `__main__`."""
