"""What a model costs: parameters, place on disk, memory, latency, throughput, and where the seconds of a prediction go.

Source: Reddi et al. (2020), MLPerf Inference: latency by percentiles, throughput by batch size.
"""

from __future__ import annotations

from consilience.judge.profile._cold import Start
from consilience.judge.profile._run import Latency, Profile, Throughput, profile_model
from consilience.judge.profile._sizes import EncoderSize, MemberSize
from consilience.judge.profile._stages import Stage

__all__ = ["EncoderSize", "Latency", "MemberSize", "Profile", "Stage", "Start", "Throughput", "profile_model"]
