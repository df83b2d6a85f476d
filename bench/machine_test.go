package main

import (
	"testing"
	"time"
)

func TestOwnWorkIsNotCountedAsStrangers(t *testing.T) {
	w := startWatch()
	w.mine -= time.Hour // as if this process had worked for an hour since
	if got := w.strangers(); got != 0 {
		t.Errorf("strangers used %v %%, want 0", got)
	}
}

func TestStrangersAreWhatTheMachineDidBesides(t *testing.T) {
	if machineBusy() == 0 {
		t.Skip("this system does not tell")
	}
	w := startWatch()
	w.start = w.start.Add(-10 * time.Second)
	w.busy -= 5 * time.Second // as if the machine had worked half the time on one processor
	if got := w.strangers(); got <= 0 || got > 100 {
		t.Errorf("strangers used %v %%", got)
	}
}
