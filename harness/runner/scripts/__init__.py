"""Users' scripts: started as a user starts them, observed from outside, described in a reply."""
