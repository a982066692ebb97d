.PHONY: check soak bench
check:
	./check
soak:
	./check soak
bench:
	./check bench
