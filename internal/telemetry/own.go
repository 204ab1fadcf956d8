package telemetry

// parseOwn reads the page of this project's servers: the histograms
// stackbench_batch_size, over executions, and stackbench_queue_seconds,
// stackbench_preprocess_seconds, stackbench_compute_seconds and
// stackbench_postprocess_seconds, over requests; and the counter of these.
func parseOwn(text []byte, s Source) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	its := labels{"model": s.Model}
	r := Reading{Stages: map[string]Sum{}}
	if r.Batches, err = p.histogram("stackbench_batch_size", its); err != nil {
		return Reading{}, err
	}
	if r.Answered, err = ownAnswered(p, s); err != nil {
		return Reading{}, err
	}
	for _, stage := range Stages() {
		sum, told, err := p.seconds("stackbench_"+stage+"_seconds", its)
		if err != nil {
			return Reading{}, err
		}
		if told {
			r.Stages[stage] = sum
		}
	}
	return r, nil
}

// ownWaiting reads the gauge stackbench_queue_depth.
func ownWaiting(text []byte, s Source) (float64, error) {
	p, err := parsePage(text)
	if err != nil {
		return 0, err
	}
	return p.gauge("stackbench_queue_depth", labels{"model": s.Model})
}

// gauge is a number that must be there.
func (p page) gauge(name string, with labels) (float64, error) {
	v, told, err := p.number(name, with)
	if err == nil && !told {
		err = ErrSilent
	}
	return v, err
}
