# An environment for CPU cells. The context holds site-packages, filled on the host from verified
# wheels: nothing is downloaded here, and the build has no network.
ARG BASE
FROM ${BASE}
ARG PYTHON

# The base must have the Python the environment is locked for; its venv keeps the base's own
# packages out.
RUN python3 -c "import sys; found = '%d.%d' % sys.version_info[:2]; \
sys.exit('the base has Python ' + found + ', the environment needs ${PYTHON}' \
if found != '${PYTHON}' else 0)" \
 && python3 -m venv --without-pip /opt/environment

COPY site-packages /opt/environment/lib/python${PYTHON}/site-packages

# Bytecode by hash, so that it does not depend on when the image was built. A few packages ship
# files that no Python compiles (templates, tests); Python would not import them either.
RUN /opt/environment/bin/python -m compileall -qq -j 0 --invalidation-mode unchecked-hash \
    /opt/environment/lib/python${PYTHON}/site-packages || true

USER 65532:65532
