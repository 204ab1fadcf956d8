package meter

import "time"

// Stage is the mean time of a request in one part of its way.
type Stage struct {
	Name string
	Mean time.Duration
}

// The parts that the client knows of; those inside the server are named by who
// reads its counters.
const (
	clientQueueStage = "client-queue" // open loop: from when it was due until it was sent
	networkStage     = "network"      // what the server's own parts leave of the service time: network, protocol, parsing
	queueStage       = "queue"
	computeStage     = "compute"
)

// breakdown says where the time of the good answers went, by one schema for all
// stacks: client queue, network, then the parts that the server tells. What is
// not known is left out, never zero. The network is known only where the server
// tells the parts that matter, and where they fit into the service time: its
// counters and the records do not cover the very same requests.
func (p *sample) breakdown(told []Stage) []Stage {
	var out []Stage
	if p.open && len(p.late) > 0 {
		out = append(out, Stage{clientQueueStage, mean(p.late)})
	}
	var inside time.Duration
	known := map[string]bool{}
	for _, s := range told {
		inside += s.Mean
		known[s.Name] = true
	}
	if known[queueStage] && known[computeStage] && len(p.service) > 0 {
		if rest := mean(p.service) - inside; rest > 0 {
			out = append(out, Stage{networkStage, rest})
		}
	}
	return append(out, told...)
}

func mean(times []time.Duration) time.Duration {
	var sum time.Duration
	for _, t := range times {
		sum += t
	}
	return sum / time.Duration(len(times))
}
