"""Let vLLM's CUDA build plan for a GPU that is not there.

Models are built on torch's meta device, so nothing is computed: the compiled extensions become
empty modules, their operators can be named but never run, and the platform answers what the
driver would. Only `oracle.py` uses this, inside the engine's own environment.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.abc
import importlib.machinery
import os
import sys
import types
from typing import Any

GPUS = {  # name: the driver's name, compute capability, memory that torch sees in GiB
    "T4": ("Tesla T4", (7, 5), 14.56),
    "A10G": ("NVIDIA A10G", (8, 6), 22.06),
    "L4": ("NVIDIA L4", (8, 9), 22.03),
    "L40S": ("NVIDIA L40S", (8, 9), 44.40),
    "A100-80GB": ("NVIDIA A100-SXM4-80GB", (8, 0), 79.15),
    "H100": ("NVIDIA H100 80GB HBM3", (9, 0), 79.19),
    "H200": ("NVIDIA H200", (9, 0), 139.81),
}
EXTENSIONS = {
    "vllm._C",
    "vllm._C_stable_libtorch",
    "vllm._moe_C",
    "vllm._moe_C_stable_libtorch",
    "vllm._flashmla_C",
    "vllm._flashmla_extension_C",
    "vllm._qutlass_C",
    "vllm._deepselect_C",
    "vllm._flashkda_C",
    "vllm.cumem_allocator",
    "vllm.vllm_flash_attn._vllm_fa2_C",
    "vllm.vllm_flash_attn._vllm_fa3_C",
}
# Packages that only kernels import, at the top of files that models import too.
KERNEL_PACKAGES = {"tilelang", "cutlass", "quack", "cuda"}
OPERATORS = ("_C", "_moe_C", "_C_cache_ops")


class Anything:
    """Whatever a kernel's source names: a type, a decorator, a number."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        decorates = len(args) == 1 and not kwargs and callable(args[0])
        return args[0] if decorates else Anything()

    def __getitem__(self, item: object) -> Anything:
        return Anything()

    def __or__(self, other: object) -> Anything:
        return Anything()

    __ror__ = __add__ = __radd__ = __mul__ = __sub__ = __truediv__ = __floordiv__ = __or__


class Kernels(types.ModuleType):
    """A package of kernels: it has every name."""

    __version__ = "99.0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name.startswith(("CU", "cuda")):  # others ask whether things are instances of these
            value = type(name, (), {})
            setattr(self, name, value)
            return value
        return Anything()


class Importer(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the extensions and the packages of kernels, and leaves them empty."""

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname in EXTENSIONS or fullname.split(".", maxsplit=1)[0] in KERNEL_PACKAGES:
            return importlib.machinery.ModuleSpec(fullname, self)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        name = spec.name
        if name in EXTENSIONS:
            return types.ModuleType(name)
        module = Kernels(name)
        module.__path__ = []  # a package has one
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        pass


class Operator:
    """An operator of a compiled extension: it can be named, and never runs."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, attribute: str) -> Operator:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return self

    def __call__(self, *args: object, **kwargs: object) -> object:
        raise RuntimeError(f"{self.name} was called, and there is no GPU")


class Idle:
    """A CUDA stream or event on which nothing happens."""

    cuda_stream = stream_id = 0

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


def install(gpu: str) -> None:
    """Make this process believe in eight GPUs of a kind; call it before vLLM is imported."""
    name, capability, memory_gib = GPUS[gpu]
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Triton then needs no driver to be imported
    with contextlib.suppress(ImportError):
        importlib.import_module("tvm_ffi")  # it looks for the package "cuda" once, when imported
    sys.meta_path.insert(0, Importer())
    _pretend_to_torch(name, capability, int(memory_gib * 2**30))
    _pretend_to_triton(capability)
    _pretend_to_vllm(name, capability, int(memory_gib * 2**30))


def _pretend_to_torch(name: str, capability: tuple[int, int], total: int) -> None:
    import torch

    torch.version.cuda = "13.0"
    properties = types.SimpleNamespace(
        name=name,
        major=capability[0],
        minor=capability[1],
        total_memory=total,
        multi_processor_count=132,
        warp_size=32,
        shared_memory_per_block_optin=232448,
        max_threads_per_multi_processor=2048,
        regs_per_multiprocessor=65536,
        L2_cache_size=50 * 2**20,
        uuid="pretended",
    )
    _replace(
        torch.cuda,
        is_available=True,
        device_count=8,
        current_device=0,
        set_device=None,
        get_device_capability=capability,
        get_device_name=name,
        get_device_properties=properties,
        mem_get_info=(total, total),
        is_initialized=False,
        _lazy_init=None,
        is_bf16_supported=capability >= (8, 0),
        synchronize=None,
        empty_cache=None,
        current_stream=Idle(),
        default_stream=Idle(),
    )
    torch.cuda.Stream = torch.cuda.Event = torch.cuda.ExternalStream = Idle
    _replace(
        torch.accelerator,
        is_available=True,
        device_count=8,
        current_device_index=0,
        current_accelerator=torch.device("cuda"),
        set_device_index=None,
        empty_cache=None,
        synchronize=None,
    )
    number = capability[0] * 10 + capability[1]
    _replace(
        torch.ops._C,
        cutlass_scaled_mm_supports_fp8=number >= 89,
        cutlass_scaled_mm_supports_block_fp8=number >= 90,
        cutlass_scaled_mm_supports_fp4=number >= 100,
        mxfp4_experts_quant_supported=number >= 100,
        cutlass_group_gemm_supported=90 <= number < 120,
    )


def _replace(module: Any, **answers: Any) -> None:
    """Let functions of a module answer the same to everything."""
    for name, answer in answers.items():
        setattr(module, name, lambda *args, answer=answer, **kwargs: answer)


def _pretend_to_triton(capability: tuple[int, int]) -> None:
    import torch
    from triton.backends.compiler import GPUTarget
    from triton.runtime import driver

    target = GPUTarget("cuda", capability[0] * 10 + capability[1], 32)
    sizes = {"max_shared_mem": 232448, "multiprocessor_count": 132, "warpSize": 32}
    pretended = types.SimpleNamespace(utils=types.SimpleNamespace())
    _replace(pretended.utils, get_device_properties=sizes)
    _replace(
        pretended,
        get_current_target=target,
        get_current_device=0,
        get_current_stream=0,
        get_active_torch_device=torch.device("cuda", 0),
        get_device_interface=torch.cuda,
    )
    driver.set_active(pretended)


def _pretend_to_vllm(name: str, capability: tuple[int, int], total: int) -> None:
    import torch
    import vllm.platforms
    from vllm.platforms.cuda import NonNvmlCudaPlatform
    from vllm.platforms.interface import DeviceCapability

    own = DeviceCapability(*capability)
    answers = {
        "get_device_capability": own,
        "get_device_name": name,
        "get_device_uuid": "pretended",
        "get_device_total_memory": total,
        "device_count": 8,
        "num_compute_units": 132,
    }
    methods: dict[str, Any] = {
        method: classmethod(lambda *args, answer=answer, **kwargs: answer)
        for method, answer in answers.items()
    }
    methods["has_device_capability"] = classmethod(
        lambda cls, asked, device_id=0: (own if isinstance(asked, tuple) else own.to_int()) >= asked
    )
    platform = type("PretendedPlatform", (NonNvmlCudaPlatform,), methods)
    vllm.platforms._current_platform = platform()
    from vllm.utils import deep_gemm, import_utils

    import_utils.has_deep_gemm = deep_gemm.has_deep_gemm = lambda: True  # the wheel carries it
    importlib.import_module("vllm._custom_ops")  # it registers what exists before all seem to
    _name_every_operator(type(torch.ops._C))


def _name_every_operator(namespace: Any) -> None:
    real = namespace.__getattr__

    def lookup(self: Any, name: str) -> Any:
        try:
            return real(self, name)
        except AttributeError:
            if self.name not in OPERATORS or name.startswith("__"):
                raise
            return Operator(f"{self.name}.{name}")

    namespace.__getattr__ = lookup


def on_the_meta_device() -> Any:
    """Return a mode in which every tensor asked for on a GPU is one of the meta device."""
    import torch
    from torch.overrides import TorchFunctionMode

    def is_gpu(value: object) -> bool:
        if isinstance(value, str):
            return value.startswith("cuda")
        return isinstance(value, torch.device) and value.type == "cuda"

    class OnTheMetaDevice(TorchFunctionMode):  # type: ignore[misc]
        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            kwargs = dict(kwargs or {})
            device = kwargs.get("device")
            if is_gpu(device) or type(device) is int:
                kwargs["device"] = "meta"
            if func is torch._C._nn._parse_to or len(args) > 1:
                args = tuple("meta" if is_gpu(value) else value for value in args)
            return func(*args, **kwargs)

    return OnTheMetaDevice()
