"""LeadSquared as a destination: mail becomes activities on its leads, through its REST API (R-084).

Written from the LeadSquared Developer Centre (apidocs.leadsquared.com); every function names the page that a
fact comes from. What those pages leave open is read the careful way, and said where it is.
"""
