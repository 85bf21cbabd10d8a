# As cpu.Dockerfile, for GPU cells. CUDA and cuDNN come with the wheels, or with the base (see
# bases.yaml), and the driver from the host, put in by the NVIDIA container toolkit.
ARG BASE
FROM ${BASE}
ARG PYTHON

# The toolkit hands over nothing but the compute libraries and nvidia-smi.
ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility

RUN python3 -c "import sys; found = '%d.%d' % sys.version_info[:2]; \
sys.exit('the base has Python ' + found + ', the environment needs ${PYTHON}' \
if found != '${PYTHON}' else 0)" \
 && python3 -m venv --without-pip /opt/environment

USER 65532:65532
CMD ["/opt/environment/bin/python"]
