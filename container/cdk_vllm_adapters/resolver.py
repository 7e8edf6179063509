"""vLLM's side of the plugin: the resolver it asks for a name that it does not know yet."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from vllm.exceptions import RetryableRequestError, VLLMValidationError
from vllm.logger import init_logger
from vllm.lora.request import LoRARequest
from vllm.lora.resolver import LoRAResolver

from cdk_vllm_store.failure import PrepareError, StoreError

if TYPE_CHECKING:
    from .registered import RegisteredAdapters

logger = init_logger(f"vllm.{__name__}")
_AT_ONCE = 4


class S3Resolver(LoRAResolver):  # type: ignore[misc]  # vLLM is not installed beside
    """Answers with the folder of a registered adapter; requests for others go on meanwhile."""

    def __init__(self, adapters: RegisteredAdapters) -> None:
        self._adapters = adapters
        # Threads of its own: a slow store must not hold up what else vLLM does in threads.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="adapters")

    async def resolve_lora(
        self,
        base_model_name: str,  # noqa: ARG002
        lora_name: str,
    ) -> LoRARequest | None:
        """Return the adapter, or `None` (404) where no such name is registered.

        `base_model_name` is vLLM's path of the model, which says nothing: it may be a cache.

        Raises:
            VLLMValidationError: the adapter cannot be used (400).
            RetryableRequestError: the store does not answer, or refuses (503).
        """
        loop = asyncio.get_running_loop()
        try:
            folder = await loop.run_in_executor(self._threads, self._adapters.folder_of, lora_name)
        except StoreError as error:
            # Where the store is, and what it said, is for the log.
            logger.warning("%s", error)
            raise RetryableRequestError(
                f"The store of adapters does not answer, so {lora_name} cannot be loaded now."
            ) from None
        except PrepareError as error:
            logger.warning("%s", error)
            raise VLLMValidationError(self._adapters.told(error)) from None
        if folder is None:
            return None
        # vLLM replaces the id by one of its own; the path is another for another content.
        return LoRARequest(lora_name=lora_name, lora_int_id=1, lora_path=str(folder))
