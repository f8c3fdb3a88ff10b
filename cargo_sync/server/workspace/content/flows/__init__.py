"""Flows of a workspace whose catalogue is the truth.

commit    offers of a flow, checked and recorded
drop_box  the commit of a flow into a drop box
joining   batches that are recorded together
left      what lanes left behind before it was secured
sink      the receiving end: staged, secured, recorded
source    reading contents
staging   the spool's staging, as one workspace uses it
"""
