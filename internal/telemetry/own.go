package telemetry

// parseOwn reads the page of this project's servers: the histograms
// stackbench_batch_size, over executions, and stackbench_queue_seconds,
// stackbench_preprocess_seconds, stackbench_compute_seconds and
// stackbench_postprocess_seconds, over requests.
func parseOwn(text []byte, model string) (Reading, error) {
	p, err := parsePage(text)
	if err != nil {
		return Reading{}, err
	}
	its := labels{"model": model}
	r := Reading{Stages: map[string]Sum{}}
	if r.Batches, err = p.histogram("stackbench_batch_size", its); err != nil {
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
func ownWaiting(text []byte, model string) (float64, error) {
	p, err := parsePage(text)
	if err != nil {
		return 0, err
	}
	return p.gauge("stackbench_queue_depth", labels{"model": model})
}

// gauge is a number that must be there.
func (p page) gauge(name string, with labels) (float64, error) {
	v, told, err := p.number(name, with)
	if err == nil && !told {
		err = ErrSilent
	}
	return v, err
}
