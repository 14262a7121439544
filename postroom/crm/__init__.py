"""Leads, and the email activities on them. What the policy left out never reaches these tables."""
