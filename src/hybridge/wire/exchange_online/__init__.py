"""Cmdlets of Exchange Online over HTTP: a ``CmdletAsk`` becomes requests, their replies a ``CmdletAnswer``.

There are two doors, both on the cloud's Exchange host, both POST with the same body:

* the *Admin API* (``/adminapi/v2.0/<tenant>/<endpoint>``) is documented and in preview. It wants the application
  permission Exchange.ManageAsAppV2 and knows few cmdlets, each with few parameters;
* *InvokeCommand* (``/adminapi/beta/<tenant>/InvokeCommand``) is what Microsoft's own PowerShell module uses, for every
  cmdlet. It is not documented. It wants Exchange.ManageAsApp.

Exchange.ManageAsApp alone suffices for everything hybridge does. Where the documented door covers a cmdlet with the
very parameters of an ask it is tried first, and when it is shut (not open in this organization, or the application
lacks its permission) the other one is asked, and asked alone from then on: nothing was run at a shut door.

``conversation`` puts it together without input or output; ``invoke_command``, ``admin_api``, ``cmdlet_input`` and
``answers`` hold both halves of the messages.
"""
