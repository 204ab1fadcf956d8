package unit

// rare is the threshold of a unit that says how well was measured, not what:
// tenfold.
const rare = 9

func times() []Unit {
	return []Unit{
		{Name: NsPerOp, Better: Lower, Print: Nanoseconds, Measure: Measure{Kind: Inverse, Item: Requests},
			Definition: "wall time of the window (its issue span) ÷ completed requests; one that failed was not completed"},
		{Name: P50, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Percentile, Percent: 50, Of: Response}, Use: Use{Glance: 3},
			Definition: "median response time: closed loop `t_last − t_send`, open loop `t_last − t_sched`; nearest rank over the raw pooled sample, a failure counts as +∞"},
		{Name: P95, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Percentile, Percent: 95, Of: Response}, Use: Use{Glance: 2},
			Definition: "95th percentile of the response time, by the rule of `p50-ms`"},
		{Name: P99, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Percentile, Percent: 99, Of: Response},
			Definition: "99th percentile of the response time, by the rule of `p50-ms`"},
		{Name: TTFT, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Percentile, Percent: 50, Of: FirstText}, Where: Where{Groups: Of{TextGeneration, BatchServing}, If: Streamed}, Use: Use{Rows: TextRows, Glance: 1},
			Definition: "median time to the first chunk with text, counted from when `p50-ms` counts; a role, an empty chunk or a count is no text; a failure counts as +∞"},
		{Name: TTFTP95, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Percentile, Percent: 95, Of: FirstText}, Where: Where{Groups: Of{TextGeneration, BatchServing}, If: Streamed}, Use: Use{Rows: TextRows},
			Definition: "95th percentile of the time to the first chunk with text, by the rule of `ttft-ms`"},
		{Name: ITL, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Percentile, Percent: 50, Of: TokenGap}, Where: Where{Groups: Of{TextGeneration, BatchServing}, If: Streamed}, Use: Use{Rows: TextRows},
			Definition: "median over requests of (t_last − t_first) ÷ (n_last − n_first): of the first chunk with text and of the last event that brought tokens, with text or without, the times and the tokens that had come, by the server's own count or, where there are as many chunks as tokens, one in each; answers of one token have none, a failure counts as +∞. vLLM calls it TPOT, AIPerf ITL"},
		{Name: ChunkGapP99, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Percentile, Percent: 99, Of: ChunkGap}, Where: Where{Groups: Of{TextGeneration, BatchServing}, If: Streamed}, Use: Use{Rows: TextRows},
			Definition: "99th percentile of the times between chunks with text, of all streams together; a failure counts as one gap of +∞. vLLM calls these gaps ITL"},
	}
}

func rates() []Unit {
	return []Unit{
		{Name: TokPerS, Better: Higher, Measure: Measure{Kind: Rate, Item: Tokens, Throughput: true}, Where: Where{Groups: Of{TextGeneration, BatchServing}}, Use: Use{Glance: 7, Beside: Searches{Users}},
			Definition: "generated tokens of good answers, as the server counts them, ÷ issue span"},
		{Name: GoodputRps, Better: Higher, Measure: Measure{Kind: Rate, Item: Requests}, Where: Where{Groups: Of{TextGeneration, BatchServing}, If: Streamed}, Use: Use{Rows: TextRows, Beside: Searches{Users}},
			Definition: "good answers within the group's stated limits of TTFT and ITL ÷ issue span; an answer without an ITL is not within a limit of it"},
		{Name: Rps, Better: Higher, Measure: Measure{Kind: Rate, Item: Requests, Throughput: true}, Use: Use{Glance: 8},
			Definition: "good answers ÷ issue span; the span is the window in an open loop, and in a closed one the mean over its users of the time from the first issue to the end of the last request"},
		{Name: OKPercent, Better: Higher, Print: Floored, Measure: Measure{Kind: Share},
			Definition: "good answers ÷ issued requests"},
		{Name: ImgPerS, Better: Higher, Measure: Measure{Kind: Rate, Item: Images, Throughput: true}, Where: Where{Groups: Of{ImageClassification, BatchServing}}, Use: Use{Glance: 5, Beside: Searches{KneeRps}},
			Definition: "images classified per second, in good answers"},
		{Name: EmbPerS, Better: Higher, Measure: Measure{Kind: Rate, Item: Texts, Throughput: true}, Where: Where{Groups: Of{Embeddings, BatchServing}}, Use: Use{Glance: 6, Beside: Searches{KneeRps}},
			Definition: "embeddings per second, in good answers"},
	}
}

// server are what a server's own counters and answers say.
func server() []Unit {
	return []Unit{
		{Name: BatchMean, Better: Neither, Measure: Measure{Kind: Mean}, Use: Use{Rows: BatchRows, Beside: Searches{KneeRps, Users}},
			Definition: "realised mean batch: Δ inferences ÷ Δ executions from the server's own counters; of generated text, Δ tokens ÷ Δ steps of the decoder"},
		{Name: MaxBatch, Better: Neither, Measure: Measure{Kind: Peak}, Use: Use{Rows: BatchRows, Beside: Searches{KneeRps, Users}},
			Definition: "largest batch seen, from the server's own counters; where these are a histogram, the bound of its last bucket; where it only tells how many run now, the most of these, read twice a second"},
		{Name: BatchEff, Better: Higher, Print: Percent, Measure: Measure{Kind: Share}, Where: Where{Groups: Of{BatchServing}}, Use: Use{Rows: BatchRows, Beside: Searches{KneeRps}},
			Definition: "`batch-mean` ÷ the maximum that was asked for, or the server's own where it says that it joins less, %"},
		{Name: QueueMS, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Mean}, Use: Use{Rows: BatchRows, Beside: Searches{KneeRps}},
			Definition: "mean time in the server's queue, from its own counters; of several texts in a request, TEI's mean over them"},
		{Name: QueueDepth, Better: Neither, Measure: Measure{Kind: Mean}, Use: Use{Rows: BatchRows, Beside: Searches{KneeRps}},
			Definition: "mean requests waiting in the server, from its own gauge, read twice a second; where that counts texts, these ÷ the texts of a request, and nothing where requests differ in them"},
		{Name: AnswerErr, Better: Lower, Measure: Measure{Kind: Once}, Where: Where{Groups: Of{ImageClassification, Embeddings, BatchServing}},
			Definition: "largest difference of a number of a checked answer from the reference's ÷ the largest of the reference's numbers (of logits at least 1): what a stack rounds, or computes in fewer bits, shows in it"},
	}
}

func sought() []Unit {
	return []Unit{
		{Name: KneeRps, Better: Higher, Measure: Measure{Kind: Sought, Item: Requests}, Where: Where{Groups: Of{BatchServing}, If: SeekingRate},
			Definition: "highest rate of an open loop whose p99 holds the group's stated limit: bracketed, then bisected to 10 %; a probe goes on until the interval of its share of requests within the limit is clear of 99 %, or stays open. Shown with the rates between which the answer lies"},
		{Name: Users, Better: Higher, Print: Whole, Measure: Measure{Kind: Sought}, Where: Where{Groups: Of{TextGeneration}, If: SeekingMost}, Use: Use{Glance: 4},
			Definition: "most concurrent users of a closed loop for whom the group's stated limits of TTFT and ITL hold in at least 95 % of the answers: bracketed, then bisected to 10 % or one user; a probe goes on until the interval of that share is clear of 95 %, or stays open. Shown with the numbers between which the answer lies"},
	}
}

// resources are what a stack takes of the machine.
func resources() []Unit {
	return []Unit{
		{Name: PrefixHit, Better: Neither, Print: Percent, Measure: Measure{Kind: Share}, Where: Where{Groups: Of{TextGeneration, BatchServing}}, Use: Use{Rows: TextRows},
			Definition: "tokens of prompts that the server had of earlier prompts and did not compute ÷ all of them, from its own counters"},
		{Name: CPUUtil, Better: Neither, Print: Percent, Measure: Measure{Kind: Share}, Use: Use{Beside: Searches{KneeRps, Users}},
			Definition: "CPU seconds of the stack ÷ (window × its cores), %"},
		{Name: Foreign, Better: Lower, Threshold: rare, Print: Percent, Measure: Measure{Kind: Share},
			Definition: "CPU of the stack's cores that neither the stack nor the client used, in % of the window: 100 % less idle, waiting for disks, stolen by the hypervisor, and own; of several windows, of the worst. It is the machine's doing, not the stack's"},
		{Name: MemMB, Better: Lower, Print: Megabytes, Measure: Measure{Kind: Peak}, Use: Use{Beside: Searches{KneeRps, Users}},
			Definition: "peak memory of the stack in the window, read ten times a second: of a container's cgroup or of a process tree, in both less the pages that mirror files (cache, mapped libraries and weights), so that launchers compare"},
		{Name: MemPer1kEmbMB, Better: Lower, Print: Megabytes, Measure: Measure{Kind: Once}, Where: Where{Groups: Of{Embeddings}},
			Definition: "peak memory of the stack while it embeds 1,000 texts at the run's batch size, less its memory when idle after warm-up"},
		{Name: ReadyS, Better: Lower, Print: Seconds, Measure: Measure{Kind: Once},
			Definition: "start of the stack → first correct answer; image pull or build excluded"},
		{Name: GPUUtil, Better: Neither, Print: Percent, Measure: Measure{Kind: Mean}, Where: Where{If: OnGPU}, Use: Use{Rows: DeviceRows, Beside: Searches{KneeRps, Users}},
			Definition: "mean % of time with a kernel resident, over the window, summed over the stack's GPUs ÷ count; busyness, not efficiency"},
		{Name: GPUMemMB, Better: Lower, Print: Megabytes, Measure: Measure{Kind: Peak}, Where: Where{If: OnGPU}, Use: Use{Rows: DeviceRows, Beside: Searches{KneeRps, Users}},
			Definition: "peak memory of the stack's processes on its GPUs"},
		{Name: JPerAnswer, Better: Lower, Measure: Measure{Kind: Cost, Item: Requests}, Where: Where{If: OnGPU}, Use: Use{Rows: DeviceRows, Beside: Searches{KneeRps, Users}},
			Definition: "(energy counter at end − at start) ÷ good answers, all GPUs summed; idle power reported apart"},
		{Name: JPerItem, Better: Lower, Measure: Measure{Kind: Cost, Item: Carried}, Where: Where{If: OnGPU}, Use: Use{Rows: DeviceRows, Beside: Searches{KneeRps, Users}},
			Definition: "the energy of `J/answer` ÷ items of good answers: images, texts, of generated text tokens"},
	}
}

// fitness are what tells whether a run may be believed: a faster stack makes
// the client busier.
func fitness() []Unit {
	return []Unit{
		{Name: LateP99, Better: Lower, Print: Milliseconds, Measure: Measure{Kind: Percentile, Percent: 99, Of: Lateness}, Where: Where{If: OpenLoop}, Use: Use{Fitness: true},
			Definition: "99th percentile of `t_send − t_sched`"},
		{Name: ClientCPU, Better: Lower, Print: Percent, Measure: Measure{Kind: Share}, Use: Use{Fitness: true, Beside: Searches{KneeRps, Users}},
			Definition: "client CPU ÷ its cores"},
	}
}
