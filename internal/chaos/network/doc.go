// Package network is the network between the processes of the rig, and what goes wrong with it.
//
//	site       where processes run that share a cable: a network namespace of its own, where the machine permits it
//	cable      what connects a site with all others, both directions of it; faults are of a cable
//	fault      what a direction of a cable does to what passes: nothing, all is lost, a share is lost, so many bits per second
//	namespaces the kind with a namespace for each site. Packets go through the rig by TUN devices, so that what is lost is
//	           lost below the TCP of the kernel, as on a real network. It needs /dev/net/tun, and CAP_NET_ADMIN or leave to
//	           make a user namespace, in which whoever runs the rig has it
//	relays     the kind for other machines: all sites are on loopback, and connections to a site go through a TCP relay of
//	           the rig. What is lost stays away: TCP repeats nothing, so that a share of losses is a share of delays
//
// Namespaces end with the last process in them and with the rig: nothing of them is left behind, whatever ends the rig.
package network
