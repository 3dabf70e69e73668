"""A drill's own screens: choosing one, its briefing, its debriefing. The rest is as in an incident."""
