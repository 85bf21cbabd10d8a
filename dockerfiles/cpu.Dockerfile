# What the images of CPU cells with one Python stand on. The packages come on top of it as one more
# layer, from wheels verified on the host (harness/engines/docker/image_builds.py): nothing is
# downloaded here, and the build has no network.
ARG BASE
FROM ${BASE}
ARG PYTHON

# The base must have the Python the environment is locked for; its venv keeps the base's own
# packages out.
RUN python3 -c "import sys; found = '%d.%d' % sys.version_info[:2]; \
sys.exit('the base has Python ' + found + ', the environment needs ${PYTHON}' \
if found != '${PYTHON}' else 0)" \
 && python3 -m venv --without-pip /opt/environment

USER 65532:65532
CMD ["/opt/environment/bin/python"]
